import { typeId } from '../config/typeId.ts';
import type { Db } from '../database/connect.ts';
import { ConfigurationError, type Problem } from '../errors.ts';
import { type Applied, contentChanges, contentHash, type Remembered } from './applied.ts';

/** An object that needs a backfill, and why. */
export type NeededBackfill = { object: string; reason: string };

const REASON_CHARACTERS = 255;

/** Why an object needs a backfill, by what was applied last; null when it needs none. Pure. */
export function backfillReason(last: Remembered | undefined, now: Applied): string | null {
  if (last === undefined || last.hash === null) return 'never backfilled';
  if (last.applied === null) return 'what changed while its triggers were dropped was not noted';
  if (last.hash === contentHash(now)) return last.reason;
  const changes = contentChanges(last.applied, now);
  return changes.length === 0 ? last.reason : changes.join('; ').slice(0, REASON_CHARACTERS);
}

/**
 * The rows of an object hold the ids of its HubSpot records. Under another type or key these ids are those of somebody
 * else's records, and no backfill mends that.
 * @throws ConfigurationError
 */
export async function refuseOtherRecords(
  db: Db,
  file: string,
  objects: readonly { object: string; applied: Applied }[],
  remembered: ReadonlyMap<string, Remembered>,
): Promise<void> {
  const problems: Problem[] = [];
  for (const { object, applied: now } of objects) {
    const before = remembered.get(object)?.applied;
    if (before == null) continue;
    const name = typeId(before.type) !== typeId(now.type) ? 'type' : before.key !== now.key ? 'key' : null;
    if (name === null || !(await hasRecords(db, object))) continue;
    problems.push({
      where: `objects.${object}.${name}`,
      message: `it was ${before[name]} and is ${now[name]}, but the rows of ${object} hold ids of HubSpot records by ${before[name]}`,
      fix: 'give the object another name, under which it begins anew; what HubSpot holds by the earlier one stays',
    });
  }
  if (problems.length > 0)
    throw new ConfigurationError(`${file} asks for other HubSpot records than are kept`, {
      code: 'OTHER_RECORDS',
      problems,
    });
}

async function hasRecords(db: Db, object: string): Promise<boolean> {
  const [rows] = await db.raw(
    'SELECT 1 AS found FROM hubspot_data WHERE object = ? AND hubspot_id IS NOT NULL LIMIT 1',
    [object],
  );
  return rows.length > 0;
}
