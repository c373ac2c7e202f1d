import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startProgram, until } from '../support/program.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { linesOf, untilDelivered } from '../support/workers.ts';
import { swiftMapping } from './swiftMapping.ts';

const LIMIT = 100;
const mapping = swiftMapping({ calls_per_10s: LIMIT, batch_size: 1, concurrency: 8 });

describe('two workers that share a Redis', () => {
  let shop: SyncedShop;
  let redis: TestRedis;
  let otherHubspot: TestSandbox;
  const workers: Started[] = [];

  beforeAll(async () => {
    shop = await openSyncedShop({ users: 60, mapping });
    [redis, otherHubspot] = await Promise.all([startRedis(), startTestSandbox()]);
    await shop.must('backfill');
    await shop.must('once');
  });
  afterAll(async () => {
    for (const { child } of workers) child.kill('SIGKILL');
    await otherHubspot?.close();
    await redis?.close();
    await shop?.close();
  });

  async function start(env: Record<string, string> = {}): Promise<Started> {
    const worker = startProgram(['--config', mapping, 'run'], { ...shop.env, REDIS_URL: redis.url, ...env });
    workers.push(worker);
    await until(() => worker.out().includes('"listening"') || worker.child.exitCode !== null);
    expect(worker.err()).toBe('');
    return worker;
  }
  async function stopAll(): Promise<void> {
    for (const { child } of workers) child.kill('SIGTERM');
    for (const worker of workers.splice(0)) expect((await worker.finished).code).toBe(0);
  }
  const health = async (worker: Started) => {
    const { url } = linesOf(worker).find(({ msg }) => msg === 'listening') ?? {};
    return (await (await fetch(`${url}/health`)).json()) as { status: string; reasons: string[] };
  };
  const openedAt = (worker: Started) => linesOf(worker).find(({ circuit }) => circuit === 'open')?.time;

  it('stay inside one limit together', async () => {
    await shop.sandbox.options({ plan: 'free' });
    await Promise.all([start(), start()]);
    await shop.application.query('UPDATE users SET last_name = CONCAT(last_name, ?)', [' a']);
    await shop.application.query('UPDATE orders SET total = total + 1');
    await untilDelivered(shop);
    const { calls, refused } = await shop.sandbox.counts();
    expect(calls).toBeGreaterThan(LIMIT);
    expect(refused).toBe(0);
    await stopAll();
    await shop.sandbox.options({ plan: 'unlimited' });
    await expectSynced(shop, mapping);
  });

  it('open the circuit for each other', async () => {
    const healthy = await start({ HUBSPOT_BASE_URL: otherHubspot.url });
    const failing = await start();
    for (const hubspot of [shop.sandbox, otherHubspot])
      await hubspot.fault({
        path: 'batch',
        delayMs: hubspot === otherHubspot ? 500 : 0,
        respond: { status: hubspot === otherHubspot ? 423 : 503 },
      });
    await shop.application.query('UPDATE users SET last_name = CONCAT(last_name, ?)', [' b']);
    await until(() => openedAt(failing) !== undefined && openedAt(healthy) !== undefined);
    const ms = Date.parse(openedAt(healthy) ?? '') - Date.parse(openedAt(failing) ?? '');
    console.log(`${shop.database.kind}: the other circuit opened ${ms} ms later`);
    // Before the faults end: a worker of another HubSpot must not deliver what this one lacks.
    await stopAll();
    for (const hubspot of [shop.sandbox, otherHubspot]) await hubspot.clearFaults();
  });

  it('go on alone when Redis goes, say so, and join it again when it is back', async () => {
    const worker = await start();
    await until(async () => !(await health(worker)).reasons.some((reason) => /redis/i.test(reason)));
    await redis.kill();
    await until(async () => (await health(worker)).reasons.some((reason) => /redis/i.test(reason)));
    await shop.application.query('UPDATE users SET last_name = CONCAT(last_name, ?)', [' c']);
    await untilDelivered(shop);
    expect((await health(worker)).status).toBe('degraded');
    await redis.start();
    await until(async () => !(await health(worker)).reasons.some((reason) => /redis/i.test(reason)));
    await stopAll();
    await expectSynced(shop, mapping);
  });
});
