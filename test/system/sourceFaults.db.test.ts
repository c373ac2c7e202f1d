import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/program.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { startWorkers, untilDelivered, type Workers } from '../support/workers.ts';
import { swiftMapping } from './swiftMapping.ts';

const mapping = swiftMapping();

describe('a source that changes under the worker', () => {
  let shop: SyncedShop;
  let workers: Workers;
  beforeAll(async () => {
    shop = await openSyncedShop({ users: 300, mapping });
    await shop.must('backfill');
    await shop.must('once');
    // The old shop has zero dates, which a newer server copies only when it is not strict.
    await shop.application.query("SET SESSION sql_mode = ''");
    workers = await startWorkers(shop, 1, mapping);
  });
  afterAll(async () => {
    await workers?.stop();
    await shop?.close();
  });

  const pauses = () =>
    shop.select<{ object: string; code: string | null; reason: string | null }>(
      'SELECT object, paused_code AS code, paused_reason AS reason FROM hubspot_object ORDER BY object',
    );
  const pending = (object: string) =>
    shop.select(`SELECT source_id FROM hubspot_data WHERE object = '${object}' AND status = 'pending'`);

  it('is noticed also where nothing is due, and asks for the backfill that finds what triggers missed', async () => {
    const { application } = shop;
    await application.query('ALTER TABLE users CHANGE company employer VARCHAR(80) CHARACTER SET latin1');
    await until(async () => (await pauses())[0]?.code === 'QUERY_FAILED');
    await application.query("UPDATE users SET employer = 'Difference Engines' WHERE id = 2");
    await application.query('ALTER TABLE users CHANGE employer company VARCHAR(80) CHARACTER SET latin1');
    await until(async () => (await pauses()).every(({ code }) => code === null));
    const status = JSON.parse(await shop.must('status', '--json')) as { objects: { backfill: string | null }[] };
    expect(status.objects.map(({ backfill }) => backfill)).toEqual([
      expect.stringMatching(/may not have been noted/),
      null,
    ]);
    await shop.must('backfill');
    await untilDelivered(shop);
    await expectSynced(shop, mapping);
  });

  it('with a renamed column fails no statement and poisons nobody, and goes on by itself once the query fits', async () => {
    const { application, sandbox } = shop;
    await application.query('ALTER TABLE users CHANGE company employer VARCHAR(80) CHARACTER SET latin1');
    await application.query("UPDATE users SET employer = 'Analytical Engines' WHERE id = 1");
    // Contacts count orders, so these concern them too.
    await application.query(
      "UPDATE orders SET state = IF(state = 'open', 'paid', state), total = total + 1 WHERE user_id < 40",
    );
    await until(async () => (await pauses())[0]?.code === 'QUERY_FAILED');
    const [contacts, orders] = await pauses();
    expect(contacts?.reason).toMatch(/Unknown column 'u\.company'.*triggers apply/);
    expect(orders).toMatchObject({ object: 'orders', code: null });
    await until(async () => (await shop.select('SELECT id FROM hubspot_mark')).length === 0);
    await until(async () => (await pending('orders')).length === 0);
    await until(
      async () => (await shop.select('SELECT 1 FROM hubspot_data WHERE claimed_by IS NOT NULL')).length === 0,
    );
    expect((await pending('contacts')).length).toBeGreaterThan(0);
    expect(await shop.select('SELECT * FROM hubspot_doubt')).toEqual([]);
    expect(await shop.select("SELECT * FROM hubspot_poison WHERE error_code = 'QUERY_FAILED'")).toEqual([]);

    await sandbox.clearCalls();
    await application.query('ALTER TABLE users CHANGE employer company VARCHAR(80) CHARACTER SET latin1');
    await untilDelivered(shop);
    await until(async () => (await pauses()).every(({ code }) => code === null));
    // What HubSpot holds already is not sent again because of it.
    const sent = (await sandbox.calls()).flatMap(({ path, inputs }) => (path.includes('contacts') ? inputs : []));
    expect(sent.length).toBeLessThan(40);
    // Of a table that was changed no change was noted until then: a backfill finds them.
    await shop.must('backfill');
    await untilDelivered(shop);
    await expectSynced(shop, mapping);
  });
});
