import type { Db } from '../database/connect.ts';

/** Milliseconds until a pending row that nobody has claimed is due; null when none is pending. */
export async function nextDueInMs(db: Db): Promise<number | null> {
  const [[row]] = await db.raw(
    `SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), MIN(d.due_at)) AS microseconds
     FROM hubspot_object o JOIN hubspot_data d ON d.object = o.object AND d.status = 'pending'
     WHERE d.claimed_by IS NULL OR d.claimed_until <= UTC_TIMESTAMP(6)`,
  );
  return row.microseconds === null ? null : Math.max(0, Number(row.microseconds) / 1_000);
}
