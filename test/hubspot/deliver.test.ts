import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Breaker } from '../../src/hubspot/breaker.ts';
import { createHubspot } from '../../src/hubspot/client.ts';
import type { OutboundRecord } from '../../src/hubspot/confirm.ts';
import { type Delivery, deliver, type Target } from '../../src/hubspot/deliver.ts';
import { Pace } from '../../src/hubspot/pace.ts';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';

let sandbox: TestSandbox;
const breaker = new Breaker();
beforeAll(async () => {
  sandbox = await startTestSandbox();
  const shopNumber = { name: 'shop_number', type: 'string', groupName: 'contactinformation', hasUniqueValue: true };
  await sandbox.ask('POST', '/crm/v3/properties/contacts', shopNumber);
});
afterAll(async () => {
  breaker.shutdown();
  await sandbox?.close();
});
beforeEach(async () => {
  await sandbox.clearFaults();
  await sandbox.clearCalls();
  await sandbox.options({ refusals: 'records', conflicts: 409 });
});

const never = new AbortController().signal;

function send(records: readonly OutboundRecord[], mode: Target['mode'] = 'upsert'): Promise<Delivery> {
  const { url: baseUrl, token } = sandbox;
  const hubspot = createHubspot({ token, baseUrl, timeoutMs: 60_000, pace: new Pace(1_000), breaker });
  const target = { type: 'contacts', matchOn: 'email', mode, isSuspect: () => false, mayStart: async () => true };
  return deliver(hubspot, target, records, never);
}

let batches = 0;

/** A hundred good contacts that HubSpot has never seen, but for what `changes` says of some, by their place. */
function hundred(changes: Record<number, Record<string, string>> = {}): OutboundRecord[] {
  batches += 1;
  return Array.from({ length: 100 }, (_, place) => {
    const email = `n${place}.of${batches}@example.com`;
    const properties = { email, firstname: `Ada ${place}`, ...changes[place] };
    const { email: matchValue } = properties;
    return { sourceId: String(place), hubspotId: null, matchValue, properties, traceId: `${batches}-${place}` };
  });
}

const placesOf = (entries: readonly { sourceId: string }[]) => entries.map(({ sourceId }) => Number(sourceId)).sort(up);
const up = (one: number, other: number) => one - other;
const allBut = (...bad: number[]) => Array.from({ length: 100 }, (_, place) => place).filter((n) => !bad.includes(n));
const batchCalls = async () => (await sandbox.calls()).filter(({ path }) => path.includes('/batch/'));

/** Each record ended as it should, in so many calls as HubSpot counts them; and none was sent on after it was taken. */
async function expectIsolated(delivery: Delivery, bad: number[]): Promise<number> {
  const calls = await batchCalls();
  expect(delivery).toMatchObject({ missing: [], later: [], unknown: [], doubtful: [], crashing: [], stop: null });
  expect(placesOf(delivery.refused)).toEqual([...bad].sort(up));
  expect(placesOf(delivery.delivered)).toEqual(allBut(...bad));
  expect(calls).toHaveLength(delivery.calls);
  for (const [at, { status, inputs }] of calls.entries()) {
    const later = calls.slice(at + 1).flatMap((call) => call.inputs);
    if (status < 300) expect(inputs.filter((input) => later.includes(input))).toEqual([]);
  }
  return calls.length;
}

/** HubSpot holds each record that counts as delivered, as it was sent and under the id that was told; no refused one. */
async function expectHeld(delivery: Delivery, records: readonly OutboundRecord[]): Promise<void> {
  const held = new Map((await sandbox.records('contacts')).map((record) => [record.id, record.properties]));
  for (const { sourceId, hubspotId } of delivery.delivered)
    expect(held.get(hubspotId)).toMatchObject(records[Number(sourceId)]?.properties ?? {});
  for (const { sourceId } of delivery.refused) {
    const { firstname, email } = records[Number(sourceId)]?.properties ?? {};
    expect([...held.values()].filter((one) => one.firstname === firstname && one.email === email)).toEqual([]);
  }
}

describe('one bad record in a hundred', () => {
  it.each([0, 42, 99])('costs two calls when HubSpot quotes its value: number %i', async (bad) => {
    await sandbox.options({ refusals: 'quoted' });
    const records = hundred({ [bad]: { email: `no good ${bad}@` } });
    const delivery = await send(records);
    expect(await expectIsolated(delivery, [bad])).toBe(2);
    expect(delivery.refused).toMatchObject([
      { code: 'INVALID_EMAIL', property: 'email', value: `no good ${bad}@`, message: expect.stringContaining('@') },
    ]);
    await expectHeld(delivery, records);
  });

  it.each([0, 1, 36, 37, 63, 64, 98, 99])(
    'costs nine calls at most when HubSpot names nothing: number %i',
    async (bad) => {
      await sandbox.options({ refusals: 'silent' });
      const records = hundred({ [bad]: { email: `no good ${bad}@` } });
      const delivery = await send(records);
      expect(await expectIsolated(delivery, [bad])).toBeLessThanOrEqual(9);
      await expectHeld(delivery, records);
    },
  );

  it('costs one call when HubSpot answers record by record', async () => {
    const records = hundred({ 42: { email: 'no good 42@' } });
    const delivery = await send(records);
    expect(await expectIsolated(delivery, [42])).toBe(1);
    await expectHeld(delivery, records);
  });

  it.each([
    ['400 that quotes the value', { conflicts: 400, refusals: 'quoted' }, 2, 'VALUE_NOT_UNIQUE'],
    ['400 that names nothing', { conflicts: 400, refusals: 'silent' }, 9, 'VALIDATION_ERROR'],
    ['409, which names nobody', { conflicts: 409, refusals: 'quoted' }, 9, 'CONFLICT'],
  ] as const)('costs so few when another holds its unique value: %s', async (said, options, most, code) => {
    const taken = `taken ${said}`;
    expect((await send(hundred({ 7: { shop_number: taken } }))).refused).toEqual([]);
    await sandbox.clearCalls();
    await sandbox.options(options);
    const records = hundred({ 71: { shop_number: taken } });
    const delivery = await send(records);
    expect(await expectIsolated(delivery, [71])).toBeLessThanOrEqual(most);
    expect(delivery.refused).toMatchObject([{ code }]);
    await expectHeld(delivery, records);
  });

  it.each([
    ['quoted', 2],
    ['silent', 9],
  ] as const)('costs no more in an update by id: %s', async (refusals, most) => {
    const created = await send(hundred());
    await sandbox.clearCalls();
    await sandbox.options({ refusals });
    const records = hundred({ 5: { email: 'no good 5@' } }).map((record, place) => ({
      ...record,
      hubspotId: created.delivered.find(({ sourceId }) => sourceId === String(place))?.hubspotId ?? null,
    }));
    const delivery = await send(records, 'update');
    expect(await expectIsolated(delivery, [5])).toBeLessThanOrEqual(most);
    await expectHeld(delivery, records);
  });
});

describe('a batch that HubSpot refuses whole', () => {
  it.each([400, 409])(
    'for ids that it names in a %i: the rest goes out in one call, and each of them alone',
    async (status) => {
      const records = hundred();
      const ids = [3, 90].map((place) => records[place]?.matchValue ?? '');
      const message = `Duplicate IDs found in batch input: [${ids}]. IDs must be unique`;
      const body = { status: 'error', category: 'VALIDATION_ERROR', message, context: { ids } };
      await sandbox.fault({ path: 'batch/upsert', times: 1, respond: { status, body } });
      const delivery = await send(records);
      expect(await expectIsolated(delivery, [])).toBe(4);
      expect((await batchCalls()).map(({ inputs }) => inputs.length)).toEqual([100, 98, 1, 1]);
      await expectHeld(delivery, records);
    },
  );

  it.each([
    ['quoted', 'INVALID_EMAIL'],
    ['silent', 'VALIDATION_ERROR'],
  ] as const)('for several of them, each with a value of its own: %s', async (refusals, code) => {
    await sandbox.options({ refusals });
    const bad = [0, 1, 33, 66, 99];
    const records = hundred(Object.fromEntries(bad.map((place) => [place, { email: `no good ${place}@` }])));
    const delivery = await send(records);
    await expectIsolated(delivery, bad);
    expect(delivery.refused.map((refused) => refused.code)).toEqual(bad.map(() => code));
    await expectHeld(delivery, records);
  });

  it('for a value that all of them have: it is found in one of them, and said of all', async () => {
    await sandbox.options({ refusals: 'quoted' });
    const everybody = allBut();
    const records = hundred(Object.fromEntries(everybody.map((place) => [place, { lifecyclestage: 'fan' }])));
    const delivery = await send(records);
    expect(await expectIsolated(delivery, everybody)).toBeLessThanOrEqual(9);
    for (const refused of delivery.refused)
      expect(refused).toMatchObject({ code: 'INVALID_OPTION', property: 'lifecyclestage', value: 'fan' });
    await expectHeld(delivery, records);
  });
});
