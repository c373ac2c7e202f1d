import type { Db } from '../database/connect.ts';
import { insist } from '../database/transact.ts';
import { DUE_AGAIN } from './enqueue.ts';
import { matchKey } from './matchKey.ts';

/** Rows refused because another owns their match value (table `hubspot_duplicate`), by the value they wait for. */
type Refused = { sourceId: string; matchValue: string };

/** These rows are about to be refused because another owns their value; they are woken when it is free. */
export async function noteDuplicates(db: Db, object: string, refused: readonly Refused[]): Promise<void> {
  if (refused.length === 0) return;
  const sorted = refused
    .map(({ sourceId, matchValue }) => [object, matchKey(matchValue), sourceId] as const)
    .sort(([, a], [, b]) => (a < b ? -1 : 1));
  await insist(() =>
    db.raw(
      `INSERT IGNORE INTO hubspot_duplicate (object, match_value, source_id) VALUES ${sorted.map(() => '(?, ?, ?)').join(', ')}`,
      sorted.flat(),
    ),
  );
}

/** A placeholder that half a table shares is waited for by as many rows. */
const WOKEN_AT_ONCE = 1_000;

/** Rows refused as DUPLICATE_MATCH of these values, as they stand in the index, are looked at again. */
export async function wakeDuplicates(db: Db, object: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  let woken: number;
  do woken = await wakeSome(db, object, keys);
  while (woken === WOKEN_AT_ONCE);
}

async function wakeSome(db: Db, object: string, keys: readonly string[]): Promise<number> {
  const list = keys.map(() => '?').join(', ');
  const [rows] = await db.raw(
    `SELECT source_id FROM hubspot_duplicate WHERE object = ? AND match_value IN (${list}) LIMIT ${WOKEN_AT_ONCE}`,
    [object, ...keys],
  );
  const woken = (rows as { source_id: string }[]).map(({ source_id }) => source_id).sort();
  if (woken.length === 0) return 0;
  const ids = woken.map(() => '?').join(', ');
  await insist(() =>
    db.raw(
      `UPDATE hubspot_data FORCE INDEX (PRIMARY)
       SET ${DUE_AGAIN}
       WHERE object = ? AND source_id IN (${ids}) AND status = 'poison' AND error_code = 'DUPLICATE_MATCH'`,
      [object, ...woken],
    ),
  );
  await insist(() =>
    db.raw(`DELETE FROM hubspot_duplicate WHERE object = ? AND match_value IN (${list}) AND source_id IN (${ids})`, [
      object,
      ...keys,
      ...woken,
    ]),
  );
  return woken.length;
}
