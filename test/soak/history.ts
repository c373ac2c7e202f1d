import type { Connection } from 'mysql2/promise';

/** What a row of the outbox was like after a change of it. */
export type Change = { at: string; what: string; id: string; object: string; said: string };

const TABLE = `CREATE TABLE soak_history (
  n BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at DATETIME(6) NOT NULL,
  what VARCHAR(40) NOT NULL,
  object VARCHAR(32) NOT NULL,
  id VARCHAR(191) NOT NULL,
  said TEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`;

const DATA = (row: string) => `CONCAT('r', ${row}.revision, ' ', ${row}.status,
  ' claim=', IFNULL(${row}.claimed_by, '-'), ' until=', IFNULL(SUBSTR(${row}.claimed_until, 12, 12), '-'),
  ' due=', SUBSTR(${row}.due_at, 12, 12), ' attempts=', ${row}.attempts,
  ' match=', IFNULL(${row}.match_value, 'NULL'), ' hubspot=', IFNULL(${row}.hubspot_id, 'NULL'),
  ' sent=', IF(${row}.sent_properties IS NULL, 'NULL', CRC32(${row}.sent_properties)),
  ' error=', IFNULL(${row}.error_code, '-'))`;

/** Notes every change of the outbox's books while the soak runs, by triggers of its own; the product knows nothing of them. */
export async function keepHistory(connection: Connection): Promise<void> {
  await connection.query(TABLE);
  for (const [table, row, said] of [
    ['hubspot_data', 'source_id', DATA],
    ['hubspot_match', 'source_id', (row: string) => `${row}.match_value`],
    ['hubspot_doubt', 'source_id', (row: string) => `SUBSTR(${row}.until_at, 12, 12)`],
    ['hubspot_duplicate', 'source_id', (row: string) => `${row}.match_value`],
  ] as const) {
    for (const [event, name] of [
      ['INSERT', 'NEW'],
      ['UPDATE', 'NEW'],
      ['DELETE', 'OLD'],
    ] as const) {
      await connection.query(
        `CREATE TRIGGER soak_${table}_${event.toLowerCase()} AFTER ${event} ON ${table} FOR EACH ROW
         INSERT INTO soak_history (at, what, object, id, said)
         VALUES (UTC_TIMESTAMP(6), '${table.replace('hubspot_', '')} ${event.toLowerCase()}', ${name}.object, ${name}.${row}, ${said(name)})`,
      );
    }
  }
}

/** Of one row, oldest first. */
export async function historyOf(connection: Connection, object: string, id: string): Promise<Change[]> {
  const sql =
    'SELECT SUBSTR(at, 12, 12) AS at, what, object, id, said FROM soak_history WHERE object = ? AND id = ? ORDER BY n';
  return (await connection.query(sql, [object, id]))[0] as Change[];
}

/** Who owned a match value, oldest first. */
export async function ownersOf(connection: Connection, object: string, value: string): Promise<Change[]> {
  const sql =
    "SELECT SUBSTR(at, 12, 12) AS at, what, object, id, said FROM soak_history WHERE object = ? AND what LIKE 'match%' AND said = ? ORDER BY n";
  return (await connection.query(sql, [object, value]))[0] as Change[];
}

/** The rows that ever had this record or value. */
export async function knownBy(
  connection: Connection,
  object: string,
  [record, value]: [string, string],
): Promise<string[]> {
  const sql = 'SELECT DISTINCT id FROM soak_history WHERE object = ? AND (said = ? OR said LIKE ?)';
  const [rows] = await connection.query(sql, [object, value, `%hubspot=${record} %`]);
  return (rows as { id: string }[]).map(({ id }) => id);
}
