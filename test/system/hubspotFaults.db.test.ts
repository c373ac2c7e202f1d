import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/program.ts';
import { untilDelivered } from '../support/workers.ts';
import { CALL, HTML, type Misbehaving, openMisbehaving } from './misbehaving.ts';

describe('a worker whose HubSpot misbehaves', () => {
  let stage: Misbehaving;
  beforeAll(async () => {
    stage = await openMisbehaving();
  });
  afterEach(() => stage.calm());
  afterAll(() => stage?.close());

  it('stops calling a HubSpot that is away, and goes on when it is back', async () => {
    const times = (state: string) => stage.workers.out().split(`"circuit":"${state}"`).length - 1;
    const before = { open: times('open'), closed: times('closed') };
    await stage.shop.sandbox.fault({ path: 'contacts', respond: { status: 503, ...HTML } });
    // One change after the other, each with a call of its own: among enough calls it opens soon.
    for (let n = 30; times('open') === before.open; n = n < 89 ? n + 1 : 30) {
      await stage.rename(stage.user(n), 'Away');
      await delay(100);
    }
    const [worker] = await stage.shop.select<{ n: number }>(
      "SELECT COUNT(*) AS n FROM hubspot_data WHERE status = 'pending'",
    );
    expect(Number(worker?.n)).toBeGreaterThan(0);
    expect(await stage.row(stage.user(30))).toMatchObject({ status: 'pending', error_code: null, attempts: 0 });
    await stage.shop.sandbox.clearFaults();
    await untilDelivered(stage.shop);
    expect(await stage.firstName(stage.user(30))).toBe('Away');
    await until(() => times('closed') > before.closed);
  });

  it('sends the newest value again when an earlier call is carried out after it', async () => {
    const seen: (string | undefined)[] = [];
    await stage.shop.sandbox.clearCalls();
    await stage.shop.sandbox.fault({ path: CALL, contains: 'Outdated', action: 'hang', writes: 4_000 });
    await stage.rename(stage.user(40), 'Outdated');
    await until(async () => (await stage.calls(CALL)).some((call) => call.fault));
    await stage.rename(stage.user(40), 'Newest');
    await until(async () => {
      const name = await stage.firstName(stage.user(40));
      if (name !== seen.at(-1)) seen.push(name);
      const doubts = await stage.shop.select('SELECT source_id FROM hubspot_doubt');
      return name === 'Newest' && seen.includes('Outdated') && doubts.length === 0;
    });
    expect(seen.at(-1)).toBe('Newest');
  });

  it('believes what it reads back when success stays without evidence', async () => {
    await stage.shop.sandbox.clearCalls();
    await stage.shop.sandbox.fault({
      path: CALL,
      contains: 'Unsaid',
      respond: { status: 200, body: {} },
      writes: 'now',
    });
    await stage.rename(stage.user(50), 'Unsaid');
    await untilDelivered(stage.shop);
    expect(await stage.row(stage.user(50))).toMatchObject({ status: 'synced' });
    expect(await stage.firstName(stage.user(50))).toBe('Unsaid');
    expect((await stage.calls(CALL)).filter(({ fault }) => fault)).toHaveLength(3);
    expect((await stage.calls('contacts/batch/read')).length).toBeGreaterThan(0);
  });

  it('poisons as UNCONFIRMED what HubSpot took three times and does not hold', async () => {
    await stage.shop.sandbox.fault({
      path: CALL,
      contains: 'Vanished',
      respond: { status: 200, body: {} },
      writes: 'no',
    });
    await stage.rename(stage.user(51), 'Vanished');
    await untilDelivered(stage.shop);
    expect(await stage.row(stage.user(51))).toMatchObject({ status: 'poison', error_code: 'UNCONFIRMED' });
  });

  it('waits with a conflict while it is in doubt what another record holds', async () => {
    const email = 'taken.for.a.moment@example.com';
    const write = (operation: string, input: object) =>
      stage.shop.sandbox.ask<{ results: { id: string }[] }>('POST', `/crm/v3/objects/contacts/batch/${operation}`, {
        inputs: [input],
      });
    const { results } = await write('upsert', { id: email, idProperty: 'email', properties: { email } });
    await stage.shop.application.query(
      "INSERT INTO hubspot_doubt VALUES ('contacts', ?, UTC_TIMESTAMP(6) + INTERVAL 1 HOUR)",
      [stage.user(90)],
    );
    await stage.shop.sandbox.clearCalls();
    await stage.shop.application.query('UPDATE users SET email = ? WHERE id = ?', [email, stage.user(91)]);
    await until(async () => (await stage.calls('contacts/batch/update')).length > 1);
    expect(await stage.row(stage.user(91))).toMatchObject({ status: 'pending', error_code: null });
    await write('archive', { id: results[0]?.id });
    await stage.shop.application.query(
      "UPDATE hubspot_doubt SET until_at = UTC_TIMESTAMP(6) WHERE object = 'contacts'",
    );
    await untilDelivered(stage.shop);
    expect(await stage.row(stage.user(91))).toMatchObject({ status: 'synced' });
  });

  it('finds the one record that makes HubSpot fail, and delivers those beside it', async () => {
    await stage.shop.sandbox.fault({ path: CALL, contains: 'Crashing', respond: { status: 500, ...HTML } });
    await stage.shop.application.query("UPDATE users SET last_name = 'Beside'");
    await stage.rename(stage.user(60), 'Crashing');
    await untilDelivered(stage.shop);
    expect(await stage.row(stage.user(60))).toMatchObject({ status: 'poison', error_code: 'CRASHES_HTTP_500' });
    const poison = await stage.shop.select("SELECT source_id FROM hubspot_poison WHERE error_code LIKE 'CRASHES%'");
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
    await stage.shop.sandbox.fault({ path: CALL, respond: { status, body } });
    await stage.rename(stage.user(70), `Paused ${status}`);
    await until(async () => (await stage.paused()) !== null);
    expect(await stage.row(stage.user(70))).toMatchObject({ status: 'pending', error_code: null });
    await stage.shop.sandbox.clearFaults();
    await untilDelivered(stage.shop);
    await until(async () => (await stage.paused()) === null);
    expect(await stage.firstName(stage.user(70))).toBe(`Paused ${status}`);
  });

  it('waits for midnight when the limit of the day is reached, and says so', async () => {
    await stage.shop.sandbox.fault({ path: CALL, times: 1, respond: { status: 429, body: { policyName: 'DAILY' } } });
    await stage.rename(stage.user(80), 'Tomorrow');
    await until(async () => (await stage.paused())?.startsWith('DAILY: ') === true);
    expect(await stage.paused()).toContain('midnight, Europe/Berlin');
    expect(await stage.row(stage.user(80))).toMatchObject({ status: 'pending' });
    await stage.shop.must('resume', 'contacts');
  });

  it('pauses an object instead of poisoning all of it, until it is told to go on', async () => {
    const many = stage.ids.slice(100, 200);
    const poisoned = async () => {
      const sql = "SELECT source_id FROM hubspot_poison WHERE object = 'contacts' AND source_id IN (?)";
      return ((await stage.shop.application.query(sql, [many.map(String)]))[0] as unknown[]).length;
    };
    await stage.shop.application.query("UPDATE users SET email = CONCAT('no good ', id) WHERE id IN (?)", [many]);
    await until(async () => (await stage.paused())?.startsWith('TOO_MANY_REFUSED') === true);
    expect(await poisoned()).toBeLessThan(many.length / 2);
    await stage.shop.must('resume', 'contacts');
    await untilDelivered(stage.shop);
    expect(await poisoned()).toBe(many.length);
    await stage.shop.application.query("UPDATE users SET email = CONCAT('good', id, '@example.com') WHERE id IN (?)", [
      many,
    ]);
  });
});
