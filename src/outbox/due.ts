import type { Db } from '../database/connect.ts';

/** Of a row of `hubspot_data`: nobody has it in flight. `due_at` says nothing of that: a claim leaves it alone. */
export const FREE = '(claimed_until IS NULL OR claimed_until <= UTC_TIMESTAMP(6))';

/** Milliseconds until a pending row that nobody has claimed is due; null when none is pending. */
export async function nextDueInMs(db: Db): Promise<number | null> {
  const [[row]] = await db.raw(
    `SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), MIN(d.due_at)) AS microseconds
     FROM hubspot_object o JOIN hubspot_data d ON d.object = o.object AND d.status = 'pending'
     WHERE ${FREE}`,
  );
  return row.microseconds === null ? null : Math.max(0, Number(row.microseconds) / 1_000);
}
