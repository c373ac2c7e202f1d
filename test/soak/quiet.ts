import { setTimeout as delay } from 'node:timers/promises';
import { GOOD_DAY, LATEST_WRITE_MS } from './faults.ts';
import type { Fleet } from './fleet.ts';
import type { SoakedShop } from './shop.ts';

/** Nothing moved for so long: it never will. */
const STUCK_MS = 120_000;

/** The sun comes out: no faults, one worker, and time. Null when everything came to rest, else what did not. */
export async function calm(
  shop: SoakedShop,
  fleet: Fleet,
  deleted: readonly { type: string; id: string }[],
): Promise<string | null> {
  await shop.sandbox.clearFaults();
  await shop.sandbox.options(GOOD_DAY);
  await fleet.stop();
  await touchDeleted(shop, deleted);
  const member = fleet.start();
  const problem = await untilAtRest(shop);
  // What is written late must have been waited for; this only makes sure that it shows.
  await delay(LATEST_WRITE_MS);
  const afterwards = problem ?? (await untilAtRest(shop));
  await fleet.terminate(member);
  return afterwards;
}

/** A record deleted in HubSpot is made anew at its next change, not before: that is what is promised. */
async function touchDeleted(
  { connection }: SoakedShop,
  deleted: readonly { type: string; id: string }[],
): Promise<void> {
  const touch = async (type: string, object: string, sql: string) => {
    const ids = deleted.filter((each) => each.type === type).map(({ id }) => id);
    if (ids.length === 0) return;
    const [rows] = await connection.query('SELECT source_id FROM hubspot_data WHERE object = ? AND hubspot_id IN (?)', [
      object,
      ids,
    ]);
    for (const { source_id } of rows as { source_id: string }[]) await connection.query(sql, [source_id]);
  };
  await touch(
    'contacts',
    'contacts',
    "UPDATE users SET last_name = CONCAT('After ', LEFT(last_name, 40)) WHERE id = ?",
  );
  await touch('deals', 'orders', 'UPDATE orders SET total = total + 1 WHERE id = ?');
}

const LEFT = `SELECT (SELECT COUNT(*) FROM hubspot_mark) AS marks,
  (SELECT COUNT(*) FROM hubspot_data WHERE status = 'pending') AS pending,
  (SELECT COUNT(*) FROM hubspot_doubt) AS doubts,
  (SELECT COALESCE(SUM(revision), 0) FROM hubspot_data) AS revisions,
  (SELECT COUNT(*) FROM hubspot_data WHERE status = 'poison') AS poison`;

async function untilAtRest({ select }: SoakedShop): Promise<string | null> {
  let before = '';
  let movedAt = Date.now();
  for (;;) {
    const [left] = await select<Record<string, number | string>>(LEFT);
    if (['marks', 'pending', 'doubts'].every((name) => Number(left?.[name]) === 0)) return null;
    const now = JSON.stringify(left);
    if (now !== before) movedAt = Date.now();
    before = now;
    if (Date.now() - movedAt > STUCK_MS) return `nothing moves any more: ${now}`;
    await delay(200);
  }
}
