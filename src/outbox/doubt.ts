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

/** Whether of any row of the object it is not known what HubSpot holds, or will hold. */
export async function isAnyInDoubt(db: Db, object: string): Promise<boolean> {
  const [rows] = await db.raw('SELECT 1 AS found FROM hubspot_doubt WHERE object = ? LIMIT 1', [object]);
  return rows.length > 0;
}

const ROWS = 100;

/**
 * Makes synced rows due whose doubt is over, so that they are looked at; returns whether more may wait. What is gone or
 * poison needs no look: what HubSpot holds of it is forgotten instead, so that it is sent whole when it is sent again.
 */
export async function wakeDoubtful(db: Db): Promise<boolean> {
  const [rows] = await db.raw(
    `SELECT u.object, u.source_id, d.status
     FROM hubspot_doubt u LEFT JOIN hubspot_data d ON d.object = u.object AND d.source_id = u.source_id
     WHERE u.until_at <= UTC_TIMESTAMP(6) AND (d.status IS NULL OR d.status <> 'pending') LIMIT ${ROWS}`,
  );
  const found = Map.groupBy(rows as Found[], ({ object }) => object);
  for (const [object, ofObject] of found) {
    const ids = (isSynced: boolean) =>
      ofObject.filter(({ status }) => (status === 'synced') === isSynced).map(({ source_id }) => source_id);
    await change(db, object, ids(true), LOOKED_AT, "'synced'");
    await change(db, object, ids(false), 'sent_properties = NULL, match_value = NULL', "'gone', 'poison'");
    await endDoubt(db, object, ids(false));
  }
  return rows.length === ROWS;
}

type Found = { object: string; source_id: string; status: string | null };

const LOOKED_AT = "status = 'pending', bulk = 0, due_at = UTC_TIMESTAMP(6), pending_since = UTC_TIMESTAMP(6)";

async function change(db: Db, object: string, ids: readonly string[], set: string, statuses: string): Promise<void> {
  if (ids.length === 0) return;
  await insist(() =>
    db.raw(
      `UPDATE hubspot_data FORCE INDEX (PRIMARY) SET ${set}
       WHERE object = ? AND source_id IN (${ids.map(() => '?').join(', ')}) AND status IN (${statuses})`,
      [object, ...[...ids].sort()],
    ),
  );
}
