import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/program.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { startWorkers, untilDelivered, type Workers } from '../support/workers.ts';
import { swiftMapping } from './swiftMapping.ts';

const mapping = swiftMapping({ guard_records: 20, guard_percent: 5, late_write_ms: 6_000 });
const CALL = 'contacts/batch/';
const HTML = { text: '<html><body>Bad gateway</body></html>' };

describe('a worker whose HubSpot misbehaves', () => {
  let shop: SyncedShop;
  let workers: Workers;
  /** Users that HubSpot has, so that each test can take its own. */
  let ids: number[] = [];

  beforeAll(async () => {
    shop = await openSyncedShop({ users: 300, mapping });
    await shop.must('backfill');
    workers = await startWorkers(shop, 1, mapping);
    await untilDelivered(shop);
    const rows = await shop.select<{ id: string }>(
      "SELECT source_id AS id FROM hubspot_data WHERE object = 'contacts' AND status = 'synced' ORDER BY CAST(source_id AS UNSIGNED)",
    );
    ids = rows.map(({ id }) => Number(id));
  });
  afterEach(async () => {
    await shop.sandbox.clearFaults();
    await expectSyncedSoon();
  });
  afterAll(async () => {
    await workers?.stop();
    await shop?.close();
  });

  /** A row may be woken just when nothing is left: one that waited for a value, or whose doubt is over. */
  async function expectSyncedSoon(): Promise<void> {
    for (let looks = 1; ; looks += 1) {
      await untilDelivered(shop);
      await until(async () => (await shop.select('SELECT source_id FROM hubspot_doubt')).length === 0);
      await untilDelivered(shop);
      try {
        return await expectSynced(shop, mapping);
      } catch (error) {
        if (looks === 20) throw error;
        await shop.select('SELECT SLEEP(0.25)');
      }
    }
  }

  const user = (n: number) => ids[n] ?? 0;
  const rename = (id: number, name: string) =>
    shop.application.query('UPDATE users SET first_name = ? WHERE id = ?', [name, id]);
  const row = async (id: number) =>
    (
      await shop.select<{ status: string; error_code: string | null; hubspot_id: string; attempts: number }>(
        `SELECT status, error_code, hubspot_id, attempts FROM hubspot_data WHERE object = 'contacts' AND source_id = '${id}'`,
      )
    )[0];
  const firstName = async (id: number) => {
    const { hubspot_id } = (await row(id)) ?? {};
    return (await shop.sandbox.records('contacts')).find((record) => record.id === hubspot_id)?.properties.firstname;
  };
  const calls = async (path: string) => (await shop.sandbox.calls()).filter((call) => call.path.includes(path));
  const paused = async () => JSON.parse(await shop.must('status', '--json')).objects[0].paused as string | null;

  it.each([
    ['503 and HTML', { respond: { status: 503, ...HTML } }],
    ['524 after the write', { respond: { status: 524, ...HTML }, writes: 'now' as const }],
    ['500 without a content type', { respond: { status: 500 } }],
    ['a reset', { action: 'reset' as const }],
    ['no answer at all', { action: 'hang' as const }],
    ['423 Locked', { respond: { status: 423, body: { status: 'error', message: 'locked' } } }],
    ['429 of ten seconds', { respond: { status: 429, body: { policyName: 'SECONDLY', errorType: 'RATE_LIMIT' } } }],
    ['477 with Retry-After', { respond: { status: 477, headers: { 'retry-after': '1' } } }],
    ['200 and HTML', { respond: { status: 200, ...HTML } }],
    ['200 and {}', { respond: { status: 200, body: {} } }],
    ['200 and empty results', { action: 'empty-results' as const }],
    ['200 and too few results', { action: 'drop-results' as const }],
    ['200 and half its JSON', { action: 'truncate' as const }],
    ['201 after the write', { respond: { status: 201, body: { status: 'COMPLETE' } }, writes: 'now' as const }],
    ['202 and nothing', { respond: { status: 202 } }],
  ])('poisons nobody and loses nothing over %s', async (name, fault) => {
    await shop.sandbox.clearCalls();
    await shop.sandbox.fault({ path: CALL, times: 2, ...fault });
    await shop.application.query('UPDATE users SET last_name = ? WHERE id IN (?)', [name, ids.slice(0, 16)]);
    await untilDelivered(shop);
    expect((await calls(CALL)).filter((call) => call.fault).length).toBeGreaterThan(0);
    expect(await row(user(15))).toMatchObject({ status: 'synced' });
  });

  it('stops calling a HubSpot that is away, and goes on when it is back', async () => {
    const times = (state: string) => workers.out().split(`"circuit":"${state}"`).length - 1;
    const before = { open: times('open'), closed: times('closed') };
    await shop.sandbox.fault({ path: 'contacts', respond: { status: 503, ...HTML } });
    // One change after the other, each with a call of its own: among enough calls it opens soon.
    for (let n = 30; times('open') === before.open; n = n < 89 ? n + 1 : 30) {
      await rename(user(n), 'Away');
      await delay(100);
    }
    const [worker] = await shop.select<{ n: number }>(
      "SELECT COUNT(*) AS n FROM hubspot_data WHERE status = 'pending'",
    );
    expect(Number(worker?.n)).toBeGreaterThan(0);
    expect(await row(user(30))).toMatchObject({ status: 'pending', error_code: null, attempts: 0 });
    await shop.sandbox.clearFaults();
    await untilDelivered(shop);
    expect(await firstName(user(30))).toBe('Away');
    await until(() => times('closed') > before.closed);
  });

  it('sends the newest value again when an earlier call is carried out after it', async () => {
    const seen: (string | undefined)[] = [];
    await shop.sandbox.clearCalls();
    await shop.sandbox.fault({ path: CALL, contains: 'Outdated', action: 'hang', writes: 4_000 });
    await rename(user(40), 'Outdated');
    await until(async () => (await calls(CALL)).some((call) => call.fault));
    await rename(user(40), 'Newest');
    await until(async () => {
      const name = await firstName(user(40));
      if (name !== seen.at(-1)) seen.push(name);
      const doubts = await shop.select('SELECT source_id FROM hubspot_doubt');
      return name === 'Newest' && seen.includes('Outdated') && doubts.length === 0;
    });
    expect(seen.at(-1)).toBe('Newest');
  });

  it('believes what it reads back when success stays without evidence', async () => {
    await shop.sandbox.clearCalls();
    await shop.sandbox.fault({ path: CALL, contains: 'Unsaid', respond: { status: 200, body: {} }, writes: 'now' });
    await rename(user(50), 'Unsaid');
    await untilDelivered(shop);
    expect(await row(user(50))).toMatchObject({ status: 'synced' });
    expect(await firstName(user(50))).toBe('Unsaid');
    expect((await calls(CALL)).filter(({ fault }) => fault)).toHaveLength(3);
    expect((await calls('contacts/batch/read')).length).toBeGreaterThan(0);
  });

  it('poisons as UNCONFIRMED what HubSpot took three times and does not hold', async () => {
    await shop.sandbox.fault({ path: CALL, contains: 'Vanished', respond: { status: 200, body: {} }, writes: 'no' });
    await rename(user(51), 'Vanished');
    await untilDelivered(shop);
    expect(await row(user(51))).toMatchObject({ status: 'poison', error_code: 'UNCONFIRMED' });
  });

  it('waits with a conflict while it is in doubt what another record holds', async () => {
    const email = 'taken.for.a.moment@example.com';
    const write = (operation: string, input: object) =>
      shop.sandbox.ask<{ results: { id: string }[] }>('POST', `/crm/v3/objects/contacts/batch/${operation}`, {
        inputs: [input],
      });
    const { results } = await write('upsert', { id: email, idProperty: 'email', properties: { email } });
    await shop.application.query(
      "INSERT INTO hubspot_doubt VALUES ('contacts', ?, UTC_TIMESTAMP(6) + INTERVAL 1 HOUR)",
      [user(90)],
    );
    await shop.sandbox.clearCalls();
    await shop.application.query('UPDATE users SET email = ? WHERE id = ?', [email, user(91)]);
    await until(async () => (await calls('contacts/batch/update')).length > 1);
    expect(await row(user(91))).toMatchObject({ status: 'pending', error_code: null });
    await write('archive', { id: results[0]?.id });
    await shop.application.query("UPDATE hubspot_doubt SET until_at = UTC_TIMESTAMP(6) WHERE object = 'contacts'");
    await untilDelivered(shop);
    expect(await row(user(91))).toMatchObject({ status: 'synced' });
  });

  it('finds the one record that makes HubSpot fail, and delivers those beside it', async () => {
    await shop.sandbox.fault({ path: CALL, contains: 'Crashing', respond: { status: 500, ...HTML } });
    await shop.application.query("UPDATE users SET last_name = 'Beside'");
    await rename(user(60), 'Crashing');
    await untilDelivered(shop);
    expect(await row(user(60))).toMatchObject({ status: 'poison', error_code: 'CRASHES_HTTP_500' });
    const poison = await shop.select("SELECT source_id FROM hubspot_poison WHERE error_code LIKE 'CRASHES%'");
    expect(poison).toHaveLength(1);
  });

  it.each([
    ['the token is refused', 401, { status: 'error', category: 'INVALID_AUTHENTICATION', message: 'no' }],
    ['a scope is missing', 403, { status: 'error', category: 'MISSING_SCOPES', message: 'no' }],
    [
      'a property vanished',
      400,
      {
        status: 'error',
        category: 'VALIDATION_ERROR',
        message:
          'Property values were not valid: [{"isValid":false,"message":"Property \\"city\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"city"}]',
      },
    ],
  ])('pauses and poisons nobody when %s, and goes on by itself', async (_, status, body) => {
    await shop.sandbox.fault({ path: CALL, respond: { status, body } });
    await rename(user(70), `Paused ${status}`);
    await until(async () => (await paused()) !== null);
    expect(await row(user(70))).toMatchObject({ status: 'pending', error_code: null });
    await shop.sandbox.clearFaults();
    await untilDelivered(shop);
    await until(async () => (await paused()) === null);
    expect(await firstName(user(70))).toBe(`Paused ${status}`);
  });

  it('waits for midnight when the limit of the day is reached, and says so', async () => {
    await shop.sandbox.fault({ path: CALL, times: 1, respond: { status: 429, body: { policyName: 'DAILY' } } });
    await rename(user(80), 'Tomorrow');
    await until(async () => (await paused())?.startsWith('DAILY: ') === true);
    expect(await paused()).toContain('midnight, Europe/Berlin');
    expect(await row(user(80))).toMatchObject({ status: 'pending' });
    await shop.must('resume', 'contacts');
  });

  it('pauses an object instead of poisoning all of it, until it is told to go on', async () => {
    const many = ids.slice(100, 200);
    const poisoned = async () => {
      const sql = "SELECT source_id FROM hubspot_poison WHERE object = 'contacts' AND source_id IN (?)";
      return ((await shop.application.query(sql, [many.map(String)]))[0] as unknown[]).length;
    };
    await shop.application.query("UPDATE users SET email = CONCAT('no good ', id) WHERE id IN (?)", [many]);
    await until(async () => (await paused())?.startsWith('TOO_MANY_REFUSED') === true);
    expect(await poisoned()).toBeLessThan(many.length / 2);
    await shop.must('resume', 'contacts');
    await untilDelivered(shop);
    expect(await poisoned()).toBe(many.length);
    await shop.application.query("UPDATE users SET email = CONCAT('good', id, '@example.com') WHERE id IN (?)", [many]);
  });
});
