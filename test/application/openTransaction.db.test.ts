import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAsApplication } from '../support/database.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { startWorkers, untilDelivered, type Workers } from '../support/workers.ts';

/** Longer than the worker's quick look for marks trails behind. */
const LONG_MS = 12_000;

describe('a transaction that updates every user and stays open', { timeout: 600_000 }, () => {
  let shop: SyncedShop;
  let workers: Workers;
  let long: Connection;
  let online: Connection;

  beforeAll(async () => {
    shop = await openSyncedShop({ users: 400 });
    await shop.must('backfill');
    await shop.must('once');
    workers = await startWorkers(shop, 2);
    [long, online] = await Promise.all([connectAsApplication(shop.database), connectAsApplication(shop.database)]);
    // Who waits for the open transaction fails: it does not end by itself.
    await online.query("SET SESSION sql_mode = '', innodb_lock_wait_timeout = 1, lock_wait_timeout = 1");
  }, 600_000);
  afterAll(async () => {
    await Promise.all([long?.end(), online?.end()]);
    await workers?.stop();
    await shop?.close();
  });

  const lastName = async (id: number) => {
    const [user] = await shop.select<{ email: string }>(`SELECT email FROM users WHERE id = ${id}`);
    const records = await shop.sandbox.records('contacts');
    return records.find(({ properties }) => properties.email === user?.email.toLowerCase())?.properties.lastname;
  };

  it('delays no other watched table, and what changes there reaches HubSpot meanwhile', async () => {
    await long.beginTransaction();
    await long.query("UPDATE users SET last_name = CONCAT(last_name, ' later')");
    const [[noted]] = (await long.query('SELECT COUNT(*) AS marks FROM hubspot_mark')) as unknown as [
      [{ marks: number }],
    ];
    expect(noted.marks).toBeGreaterThanOrEqual(400);

    const began = performance.now();
    for (let round = 1; round === 1 || performance.now() - began < LONG_MS; round += 1) {
      for (const statement of changes(round)) await online.query(statement);
      await untilDelivered(shop);
    }
    await expectSynced(shop);
    expect(await lastName(30)).not.toMatch(/ later$/);
  });

  it('loses nothing when it commits after marks with higher ids were folded', async () => {
    await long.commit();
    await untilDelivered(shop);
    await expectSynced(shop);
    expect(await lastName(30)).toMatch(/ later$/);
    expect(await workers.stop()).toEqual({ codes: [0, 0], complaints: [] });
  });
});

/** Every way to write, in every watched table but that of the users. */
function changes(round: number): string[] {
  return [
    `UPDATE user_cim_details SET city = 'City ${round}' WHERE user_id BETWEEN 30 AND 40`,
    'DELETE FROM user_cim_details WHERE user_id = 41',
    `INSERT INTO user_cim_details (user_id, city) VALUES (41, 'Back ${round}')`,
    `REPLACE INTO user_cim_details (user_id, city) VALUES (42, 'Replaced ${round}')`,
    `INSERT INTO orders (order_number, user_id, state, total) VALUES ('OPEN-${round}', 43, 'paid', 9.90)`,
    `INSERT INTO order_items (order_id, sku, quantity, price) SELECT id, 'S', 2, 4.95 FROM orders WHERE order_number = 'OPEN-${round}'`,
    `UPDATE orders SET user_id = 44, total = total + 1 WHERE order_number = 'OPEN-${round}'`,
    `INSERT INTO orders (order_number, user_id, total) VALUES ('OPEN-${round}', 45, 1) ON DUPLICATE KEY UPDATE total = total + 1`,
    `DELETE FROM orders WHERE order_number = 'OPEN-${round - 1}'`,
    `UPDATE countries SET name = 'Country ${round}' WHERE id = 3`,
  ];
}
