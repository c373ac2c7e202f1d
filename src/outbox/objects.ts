import type { Db } from '../database/connect.ts';
import { insist } from '../database/transact.ts';

/** Makes sure every object of the mapping has its row in `hubspot_object`. */
export async function rememberObjects(db: Db, objects: readonly string[]): Promise<void> {
  for (const object of objects)
    await insist(() => db.raw('INSERT IGNORE INTO hubspot_object (object) VALUES (?)', [object]));
}

/** The objects that the outbox has rows of, by name. */
export async function readObjects(db: Db): Promise<string[]> {
  const [rows] = await db.raw('SELECT DISTINCT object FROM hubspot_data ORDER BY object');
  return (rows as { object: string }[]).map(({ object }) => object);
}

/** Keeps HubSpot's property definitions for when HubSpot is away. `definitions` is JSON. */
export async function storeDefinitions(db: Db, object: string, definitions: string): Promise<void> {
  await db.raw(
    `INSERT INTO hubspot_object (object, definitions, definitions_read_at) VALUES (?, ?, UTC_TIMESTAMP(6))
     ON DUPLICATE KEY UPDATE definitions = VALUES(definitions), definitions_read_at = VALUES(definitions_read_at)`,
    [object, definitions],
  );
}

export async function readStoredDefinitions(db: Db, object: string): Promise<string | null> {
  const [[row]] = await db.raw('SELECT definitions FROM hubspot_object WHERE object = ?', [object]);
  return row?.definitions ?? null;
}

export async function storePause(
  db: Db,
  object: string,
  pause: { code: string; reason: string } | null,
): Promise<void> {
  await db.raw(
    `UPDATE hubspot_object SET paused_at = IF(? IS NULL, NULL, COALESCE(paused_at, UTC_TIMESTAMP(6))), paused_code = ?, paused_reason = ?
     WHERE object = ?`,
    [pause?.code ?? null, pause?.code ?? null, pause?.reason ?? null, object],
  );
}

/** An object needs a backfill; a reason that stands there already stays. */
export async function storeBackfillReason(db: Db, object: string, reason: string): Promise<void> {
  await db.raw('UPDATE hubspot_object SET backfill_reason = COALESCE(backfill_reason, ?) WHERE object = ?', [
    reason,
    object,
  ]);
}

/** Asks the workers to go on with an object that is paused. */
export async function storeResume(db: Db, object: string): Promise<void> {
  await db.raw(
    `UPDATE hubspot_object SET resumed_at = UTC_TIMESTAMP(6), paused_at = NULL, paused_code = NULL, paused_reason = NULL
     WHERE object = ?`,
    [object],
  );
}

/** When somebody last asked to go on with an object, by object; null for never. */
export async function readResumes(db: Db): Promise<Map<string, string | null>> {
  const [rows] = await db.raw('SELECT object, resumed_at FROM hubspot_object');
  return new Map((rows as { object: string; resumed_at: string | null }[]).map((row) => [row.object, row.resumed_at]));
}
