import type { Db } from './database/connect.ts';
import { tellable } from './database/refusals.ts';
import { isUnavailable } from './database/unavailable.ts';
import type { Pause } from './gate.ts';
import type { PreparedObject } from './objects.ts';
import { storeBackfillReason } from './outbox/objects.ts';
import { load } from './source/load.ts';

/** The query no longer fits the tables; it is tried again as every pause is. */
export const QUERY_FAILED = 'QUERY_FAILED';

const REASON = 'its query did not fit the tables for a while, when changes may not have been noted';

export function queryPause(error: unknown): Pause {
  const reason = `the query of the mapping cannot be run (${tellable(error)}): write it as the tables are now, then run hubspot-outbox triggers apply and backfill`;
  return { scope: 'object', code: QUERY_FAILED, reason };
}

/** A trigger on a table that was changed notes nothing either, and says nothing: only a backfill finds what it missed. */
export async function noteQueryFailed(db: Db, object: string): Promise<void> {
  await storeBackfillReason(db, object, REASON);
}

/**
 * Tries the query of each object without a record: where nothing is due, nobody else would notice that it no longer
 * fits. Returns the objects whose query cannot be run, each with its pause, and those whose query can.
 */
export async function checkQueries(
  db: Db,
  objects: readonly PreparedObject[],
): Promise<{ failing: { name: string; pause: Pause }[]; fitting: string[] }> {
  const checked = { failing: [] as { name: string; pause: Pause }[], fitting: [] as string[] };
  for (const { mapping, keyKind } of objects) {
    try {
      await load(db, mapping, keyKind, []);
      checked.fitting.push(mapping.name);
    } catch (error) {
      // A server that is away, and a table that is just being altered, say nothing about the query.
      if (!isUnavailable(error)) checked.failing.push({ name: mapping.name, pause: queryPause(error) });
    }
  }
  return checked;
}
