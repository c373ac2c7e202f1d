import type { Db } from '../database/connect.ts';
import { insist } from '../database/transact.ts';

/**
 * Calls that had no answer (table `hubspot_doubt`). HubSpot may have written what they held, or may still write it,
 * after what was sent later. Invariant: a row is in doubt from before its claim ends until HubSpot was asked, or told
 * anew, once nothing can be written late any more.
 */

/** Rows may be written late, for so long from now. */
export async function noteDoubt(db: Db, object: string, ids: readonly string[], lateWriteMs: number): Promise<void> {
  if (ids.length === 0) return;
  const sorted = [...ids].sort();
  await insist(() =>
    db.raw(
      `INSERT INTO hubspot_doubt (object, source_id, until_at)
       VALUES ${sorted.map(() => '(?, ?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND)').join(', ')}
       ON DUPLICATE KEY UPDATE until_at = GREATEST(until_at, VALUES(until_at))`,
      sorted.flatMap((id) => [object, id, lateWriteMs * 1_000]),
    ),
  );
}

/** What HubSpot holds of these rows is known again; a doubt that arose meanwhile stays. */
export async function endDoubt(db: Db, object: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await insist(() =>
    db.raw(
      `DELETE FROM hubspot_doubt
       WHERE object = ? AND source_id IN (${ids.map(() => '?').join(', ')}) AND until_at <= UTC_TIMESTAMP(6)`,
      [object, ...[...ids].sort()],
    ),
  );
}

const ROWS = 100;

/**
 * Makes synced rows due whose doubt is over, so that they are looked at; returns how many. What is gone or poison needs
 * no look: what HubSpot holds of it is forgotten instead, so that it is sent whole when it is sent again.
 */
export async function wakeDoubtful(db: Db): Promise<number> {
  const [rows] = await db.raw(
    `SELECT u.object, u.source_id, d.status
     FROM hubspot_doubt u LEFT JOIN hubspot_data d ON d.object = u.object AND d.source_id = u.source_id
     WHERE u.until_at <= UTC_TIMESTAMP(6) AND (d.status IS NULL OR d.status <> 'pending') LIMIT ${ROWS}`,
  );
  let woken = 0;
  for (const { object, source_id, status } of rows as { object: string; source_id: string; status: string | null }[]) {
    if (status !== 'synced') {
      await insist(() =>
        db.raw(
          `UPDATE hubspot_data SET sent_properties = NULL, match_value = NULL
           WHERE object = ? AND source_id = ? AND status IN ('gone', 'poison')`,
          [object, source_id],
        ),
      );
      await endDoubt(db, object, [source_id]);
      continue;
    }
    const [{ affectedRows }] = await insist(() =>
      db.raw(
        `UPDATE hubspot_data SET status = 'pending', bulk = 0, due_at = UTC_TIMESTAMP(6), pending_since = UTC_TIMESTAMP(6)
         WHERE object = ? AND source_id = ? AND status = 'synced'`,
        [object, source_id],
      ),
    );
    woken += Number(affectedRows);
  }
  return woken;
}

/** Every match value that a row owns: what HubSpot may hold of it. As in the index of `hubspot_match`. */
export async function readOwnedValues(db: Db, object: string, ids: readonly string[]): Promise<Map<string, string[]>> {
  const owned = new Map<string, string[]>(ids.map((id) => [id, []]));
  if (ids.length === 0) return owned;
  const [rows] = await db.raw(
    `SELECT source_id, match_value FROM hubspot_match WHERE object = ? AND source_id IN (${ids.map(() => '?').join(', ')})`,
    [object, ...ids],
  );
  for (const { source_id, match_value } of rows as { source_id: string; match_value: string }[])
    owned.get(source_id)?.push(match_value);
  return owned;
}
