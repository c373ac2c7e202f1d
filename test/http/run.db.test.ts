import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseExposition, sampleOf } from '../health/exposition.ts';
import { type Started, startProgram, until } from '../support/program.ts';
import { shopMapping } from '../support/shop.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { linesOf, untilDelivered } from '../support/workers.ts';

describe('a worker that runs', () => {
  let shop: SyncedShop;
  const running: Started[] = [];
  beforeAll(async () => {
    shop = await openSyncedShop({ users: 20 });
  });
  afterAll(() => shop?.close());

  afterEach(async () => {
    for (const { child } of running.splice(0)) child.kill('SIGKILL');
    await shop.sandbox.clearFaults();
  });

  function start(port: number, hubspot = shop.sandbox.url): Started {
    const env = { ...shop.env, HTTP_PORT: String(port), HUBSPOT_BASE_URL: hubspot };
    const worker = startProgram(['--config', shopMapping, 'run'], env);
    running.push(worker);
    return worker;
  }
  const urlOf = (worker: Started) => linesOf(worker).find(({ msg }) => msg === 'listening')?.url;
  async function untilListening(worker: Started): Promise<void> {
    await until(() => urlOf(worker) !== undefined || worker.child.exitCode !== null);
    expect(worker.err()).toBe('');
  }
  const ask = async (worker: Started, path: string) => (await fetch(`${urlOf(worker)}${path}`)).text();
  const health = async (worker: Started) => JSON.parse(await ask(worker, '/health')) as Record<string, unknown>;
  async function end(worker: Started): Promise<void> {
    worker.child.kill('SIGTERM');
    expect((await worker.finished).code).toBe(0);
  }

  it('starts without property definitions where HubSpot is away and was never asked', async () => {
    await shop.application.query('UPDATE hubspot_object SET definitions = NULL');
    const worker = start(0, await closedPort());
    await untilListening(worker);
    expect(worker.out()).toContain('"definitions":"none"');
    expect(await health(worker)).toMatchObject({ definitions: 'none', status: 'degraded' });
    await end(worker);
  });

  it('says that its port is in use, and what to do, and ends', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { code, err } = await start(port).finished;
    taken.close();
    expect(err).toMatch(
      new RegExp(`^Error: HTTP_HOST 127.0.0.1, HTTP_PORT ${port} is in use: .*\\nTry: set HTTP_PORT .*\\n$`),
    );
    expect(code).toBe(2);
  });

  it('shows what it delivers, while it delivers, and ends at a signal', async () => {
    await shop.must('backfill');
    const worker = start(0);
    try {
      const listening = () => worker.out().match(/"url":"(http:\/\/127\.0\.0\.1:\d+)","msg":"listening"/)?.[1];
      await until(() => listening() !== undefined);
      const url = listening() ?? '';
      await until(async () => (await fetch(`${url}/readyz`)).status === 200);
      const metrics = async () => parseExposition(await (await fetch(`${url}/metrics`)).text());
      await until(async () => {
        const [pending, synced] = [
          sampleOf(await metrics(), 'hubspot_outbox_pending_records', { object: 'contacts' }),
          sampleOf(await metrics(), 'hubspot_outbox_records_total', { object: 'contacts', outcome: 'synced' }),
        ];
        return pending === 0 && (synced ?? 0) > 0;
      });
      // A pass is counted when it ends, a moment after the last record.
      await until(async () => (sampleOf(await metrics(), 'hubspot_outbox_passes_total') ?? 0) > 0);
      const now = await metrics();
      expect(sampleOf(now, 'hubspot_outbox_api_calls_total', { operation: 'upsert' })).toBeGreaterThan(0);
      expect(sampleOf(now, 'hubspot_outbox_passes_total')).toBeGreaterThan(0);
      expect(sampleOf(now, 'hubspot_outbox_circuit_state', { state: 'closed' })).toBe(1);
      const health = (await (await fetch(`${url}/health`)).json()) as Record<string, unknown>;
      expect(health).toMatchObject({ circuit: 'closed', database: 'up', definitions: 'live', paused: [] });
      expect(health.calls_today).toBeGreaterThan(0);
      expect(health.api_latency_ms).toEqual(expect.any(Number));
      expect(JSON.stringify(health)).not.toContain('@');
    } finally {
      worker.child.kill('SIGTERM');
    }
    expect((await worker.finished).code).toBe(0);
  });

  it('starts with the property definitions it kept where HubSpot is away, and poisons nobody', async () => {
    const poison = () => shop.select("SELECT source_id, error_code FROM hubspot_data WHERE status = 'poison'");
    const before = await poison();
    await shop.application.query("UPDATE users SET customer_group = 'Key account', interests = 'Shoes,Sale'");
    const worker = start(0, await closedPort());
    await untilListening(worker);
    expect(worker.out()).toContain('"definitions":"cache"');
    expect(await health(worker)).toMatchObject({ definitions: 'cache' });
    await end(worker);
    expect(before).toEqual(expect.arrayContaining(await poison()));
  });

  it('converts by the property definitions it kept while HubSpot gives none', async () => {
    await shop.sandbox.fault({ path: '/crm/v3/properties', answer: 'unavailable' });
    const worker = start(0);
    await untilListening(worker);
    expect(worker.out()).toContain('"definitions":"cache"');
    await untilDelivered(shop, [worker]);
    expect(await health(worker)).toMatchObject({ definitions: 'cache' });
    await end(worker);
    await shop.sandbox.clearFaults();
    await expectSynced(shop);
    expect((await shop.sandbox.records('contacts')).map(({ properties }) => properties.customer_group)).toContain(
      'key_account',
    );
  });

  it('begins no pass while another is under way, however often the schedule says', async () => {
    const worker = start(0);
    const passes = async () =>
      sampleOf(parseExposition(await ask(worker, '/metrics')), 'hubspot_outbox_passes_total') ?? 0;
    await untilListening(worker);
    await until(async () => (await passes()) > 0);
    await shop.sandbox.clearCalls();
    await shop.sandbox.fault({ path: 'batch/', action: 'hang' });
    await shop.application.query("UPDATE users SET first_name = 'Held' WHERE id = 1");
    await until(async () => (await shop.sandbox.calls()).some(({ fault }) => fault));
    const before = await passes();
    // Two of the moments at which the schedule starts one.
    await shop.select('SELECT SLEEP(2.1)');
    expect(await passes()).toBe(before);
  });
});

/** Where nobody listens. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}`;
}
