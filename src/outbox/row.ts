import type { Db } from '../database/connect.ts';
import { readObjects } from './objects.ts';

/** A row of `hubspot_data` as it stands, for people. */
export type OutboxRow = Record<string, string | number | null> & { object: string; source_id: string; status: string };

/** Rows with this id, of one object or of all. */
export async function readRows(db: Db, sourceId: string, object?: string): Promise<OutboxRow[]> {
  const objects = object === undefined ? await readObjects(db) : [object];
  if (objects.length === 0) return [];
  const [rows] = await db.raw(
    `SELECT object, source_id, status, revision, due_at, pending_since, claimed_by, claimed_until, attempts, match_value, hubspot_id,
            sent_properties, sent_at, error_code, error_property, error_value, error_message, error_correlation_id, error_properties,
            failed_at, created_at, updated_at
     FROM hubspot_data WHERE object IN (${objects.map(() => '?').join(', ')}) AND source_id = ?`,
    [...objects, sourceId],
  );
  return rows;
}
