import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/status/readStatus.ts';
import { startProgram, until } from '../support/program.ts';
import { shopMapping } from '../support/shop.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';

// Each test goes on from where the one before it left the shop, as a day of an operator does.
describe('status', () => {
  let shop: SyncedShop;
  beforeAll(async () => {
    shop = await openSyncedShop({ users: 120 });
  });
  afterAll(() => shop?.close());

  const status = async () => JSON.parse(await shop.must('status', '--json')) as Status;
  const contactsOf = ({ objects }: Status) => objects.find(({ object }) => object === 'contacts');

  it('says that nobody works, and which objects need a backfill', async () => {
    const told = await status();
    expect(told).toMatchObject({ workers: [], poison: [] });
    expect(contactsOf(told)).toEqual({
      object: 'contacts',
      marks: 0,
      pending: 0,
      oldest_pending_seconds: null,
      poison: 0,
      sent_last_hour: 0,
      paused: null,
      backfill: 'never backfilled',
    });
    const text = await shop.must('status');
    expect(text).toContain('No worker runs: start one with hubspot-outbox run\n');
    expect(text).toContain('contacts needs a backfill (never backfilled): hubspot-outbox backfill contacts\n');
    expect(text).toMatch(/^object +marks +pending +oldest +sent last hour +poison$/m);
    expect(text).toMatch(/^contacts +0 +0 +- +0 +0$/m);
    expect(text).toMatch(/No poison\.\n$/);
  });

  it('counts what is noted and not folded yet', async () => {
    await shop.application.query("UPDATE users SET first_name = CONCAT(first_name, '.') WHERE id IN (1, 2, 3)");
    expect(contactsOf(await status())).toMatchObject({ marks: 3, pending: 0 });
  });

  it('counts what is pending, and since when', async () => {
    await shop.must('backfill', 'contacts');
    await shop.application.query(
      "UPDATE hubspot_data SET pending_since = UTC_TIMESTAMP(6) - INTERVAL 90 SECOND WHERE object = 'contacts' AND source_id = '7'",
    );
    const object = contactsOf(await status());
    expect(object).toMatchObject({ pending: 120, backfill: null });
    expect(object?.oldest_pending_seconds).toBeGreaterThanOrEqual(90);
    expect(await shop.must('status')).toMatch(/^contacts +3 +120 +\d+ s +0 +0$/m);
  });

  it('counts what was sent in the last hour, and poison by reason', async () => {
    await shop.must('once');
    const told = await status();
    const [[sent]] = [
      await shop.select<{ rows: number }>(
        "SELECT COUNT(*) AS `rows` FROM hubspot_data WHERE object = 'contacts' AND sent_at IS NOT NULL",
      ),
    ];
    expect(contactsOf(told)).toMatchObject({
      marks: 0,
      pending: 0,
      oldest_pending_seconds: null,
      sent_last_hour: sent?.rows,
      poison: 3,
    });
    expect(told.poison.map(({ code, rows, sample }) => [code, rows, sample].join(' ')).sort()).toEqual([
      'INVALID_EMAIL 1 17',
      'INVALID_VALUE 1 99',
      'MISSING_MATCH 1 42',
    ]);
    expect(await shop.must('status')).toMatch(/^INVALID_EMAIL +contacts +email +1 +17$/m);
    await shop.application.query(
      "UPDATE hubspot_data SET sent_at = sent_at - INTERVAL 61 MINUTE WHERE object = 'contacts'",
    );
    expect(contactsOf(await status())).toMatchObject({ sent_last_hour: 0 });
  });

  it('says what is paused and why', async () => {
    await shop.application.query(
      "UPDATE hubspot_object SET paused_code = 'PROPERTY_DOESNT_EXIST', paused_reason = 'HubSpot has no property x', paused_at = NOW() WHERE object = 'orders'",
    );
    expect(await shop.must('status')).toContain('orders is paused: PROPERTY_DOESNT_EXIST: HubSpot has no property x\n');
    const { objects } = await status();
    expect(objects.map(({ paused }) => paused)).toEqual([null, 'PROPERTY_DOESNT_EXIST: HubSpot has no property x']);
  });

  it('knows the workers that run, and those that stopped no more', async () => {
    const worker = startProgram(['--config', shopMapping, 'run'], { ...shop.env, HTTP_PORT: '0' });
    await until(async () => (await shop.select('SELECT id FROM hubspot_worker')).length === 1);
    const [known] = (await status()).workers;
    expect(known).toMatchObject({ pid: worker.child.pid, version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(known?.seen_seconds_ago).toBeGreaterThanOrEqual(0);
    expect(await shop.must('status')).toMatch(new RegExp(`^${known?.id} +\\S+ +${worker.child.pid} .* s ago$`, 'm'));
    worker.child.kill('SIGTERM');
    expect((await worker.finished).code).toBe(0);
    expect((await status()).workers).toEqual([]);
  });
});
