import type { Connection } from 'mysql2/promise';

/**
 * The plain design: triggers that update the record's row in `hubspot_data` themselves. They compare the same columns
 * as ours, byte by byte, so that only what they do about a change differs.
 */
const TRIGGERS: readonly { table: string; key: string; columns: readonly string[] }[] = [
  {
    table: 'users',
    key: 'id',
    columns: [
      ...['id', 'email', 'first_name', 'last_name', 'company', 'customer_group', 'interests', 'newsletter'],
      ...['loyalty_points', 'birthday', 'registered_at', 'last_login', 'country_id', 'user_status'],
    ],
  },
];

const EXACT = ['id', 'newsletter', 'birthday', 'registered_at', 'last_login', 'country_id'];

export async function createInPlaceTriggers(connection: Connection): Promise<void> {
  for (const { table, key, columns } of TRIGGERS) {
    await connection.query(`
      CREATE TRIGGER in_place_${table}_au AFTER UPDATE ON ${table} FOR EACH ROW
      BEGIN
        DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
        IF NOT (${columns.map(isSame).join(' AND ')}) THEN
          INSERT INTO hubspot_data (object, source_id, status, due_at, pending_since, created_at, updated_at)
          VALUES ('contacts', NEW.${key}, 'pending', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
          ON DUPLICATE KEY UPDATE revision = revision + 1, due_at = IF(status = 'pending', due_at, UTC_TIMESTAMP(6)),
            pending_since = COALESCE(pending_since, UTC_TIMESTAMP(6)), updated_at = UTC_TIMESTAMP(6), status = 'pending';
        END IF;
      END`);
  }
}

export async function dropInPlaceTriggers(connection: Connection): Promise<void> {
  for (const { table } of TRIGGERS) await connection.query(`DROP TRIGGER IF EXISTS in_place_${table}_au`);
}

function isSame(column: string): string {
  return EXACT.includes(column)
    ? `OLD.${column} <=> NEW.${column}`
    : `CAST(OLD.${column} AS BINARY) <=> CAST(NEW.${column} AS BINARY)`;
}
