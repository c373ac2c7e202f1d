import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cutConnections } from '../support/cutConnections.ts';
import { startFaultyProxy } from '../support/faultyProxy.ts';
import { type Started, startProgram, until } from '../support/program.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { linesOf, untilDelivered } from '../support/workers.ts';
import { swiftMapping } from './swiftMapping.ts';

const mapping = swiftMapping({ lease_ms: 4_000, request_timeout_ms: 2_000 });
const CALL = 'contacts/batch/update';
const wrongClock = new URL('../support/wrongClock.ts', import.meta.url).href;
const HOUR_MS = 3_600_000;

describe('workers that fail', () => {
  let shop: SyncedShop;
  let running: Started[] = [];

  beforeAll(async () => {
    shop = await openSyncedShop({ users: 400, mapping });
    await shop.must('backfill');
    await shop.must('once');
  });
  afterEach(async () => {
    await shop.sandbox.clearFaults();
    await shop.sandbox.options({ latencyMs: 0 });
    const worker = await start();
    await untilDelivered(shop, [worker]);
    await until(async () => (await shop.select('SELECT source_id FROM hubspot_doubt')).length === 0);
    worker.child.kill('SIGTERM');
    await worker.finished;
    running = [];
    await expectSynced(shop, mapping);
    await expectNoTwins();
  });
  afterAll(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await shop?.close();
  });

  async function start(env: Record<string, string> = {}): Promise<Started> {
    const worker = startProgram(['--config', mapping, 'run'], { ...shop.env, ...env });
    running.push(worker);
    await until(() => worker.out().includes('"started"') || worker.child.exitCode !== null);
    expect(worker.err()).toBe('');
    return worker;
  }

  const changeAll = (name: string) => shop.application.query('UPDATE users SET last_name = ?', [name]);
  /** Of the running account: the application keeps its own. */
  const cut = () => cutConnections(shop.env.DATABASE_URL ?? '', shop.application);
  const callUnderWay = async () =>
    until(
      async () => (await shop.select('SELECT 1 FROM hubspot_data WHERE claimed_by IS NOT NULL LIMIT 1')).length > 0,
    );

  /** No two contacts of one user: each was made once. */
  async function expectNoTwins(): Promise<void> {
    const ids = (await shop.sandbox.records('contacts')).map(({ properties }) => properties.shop_user_id);
    expect(new Set(ids).size).toBe(ids.length);
  }

  it('stop on SIGTERM: what is under way ends, nothing new begins, exit code 0', async () => {
    const concurrency = 2;
    // Batches so small that many times as many rows are due as can be under way.
    const small = swiftMapping({ lease_ms: 4_000, request_timeout_ms: 2_000, batch_size: 5, concurrency });
    await shop.sandbox.options({ latencyMs: 300 });
    const worker = startProgram(['--config', small, 'run'], shop.env);
    running.push(worker);
    await until(() => worker.out().includes('"started"') || worker.child.exitCode !== null);
    await shop.sandbox.clearCalls();
    await changeAll('Stopped');
    await callUnderWay();
    worker.child.kill('SIGTERM');
    expect((await worker.finished).code).toBe(0);
    expect(worker.out()).toContain('"stopped"');
    expect(await shop.select('SELECT source_id FROM hubspot_data WHERE claimed_by IS NOT NULL')).toEqual([]);
    expect(await shop.select('SELECT id FROM hubspot_worker')).toEqual([]);
    const stoppingAt = Date.parse(linesOf(worker).find(({ msg }) => msg === 'stopping')?.time ?? '');
    const begun = (await shop.sandbox.calls()).filter(({ at }) => at > stoppingAt);
    expect(begun.length, 'calls that began after the signal').toBeLessThanOrEqual(concurrency);
    const pending = await shop.select("SELECT source_id FROM hubspot_data WHERE status = 'pending'");
    expect(pending.length).toBeGreaterThan(0);
  });

  it('stop within their time also while HubSpot hangs, and give their rows back', async () => {
    await shop.sandbox.fault({ path: CALL, action: 'hang' });
    const worker = await start();
    await changeAll('Hanging');
    await callUnderWay();
    worker.child.kill('SIGINT');
    expect((await worker.finished).code).toBe(0);
    expect(await shop.select('SELECT source_id FROM hubspot_data WHERE claimed_by IS NOT NULL')).toEqual([]);
  });

  it('lose nothing when they are killed, wherever they are', async () => {
    await shop.sandbox.options({ latencyMs: 100 });
    for (let round = 1; round <= 6; round += 1) {
      const worker = await start();
      await changeAll(`Killed ${round}`);
      await callUnderWay();
      await shop.application.query('SELECT SLEEP(?)', [(round % 3) * 0.05]);
      worker.child.kill('SIGKILL');
      await worker.finished;
    }
  });

  it('do no harm when they were frozen past their lease and wake up', async () => {
    await shop.sandbox.options({ latencyMs: 500 });
    const frozen = await start();
    await changeAll('Frozen');
    await callUnderWay();
    frozen.child.kill('SIGSTOP');
    await changeAll('Newer');
    const other = await start();
    await untilDelivered(shop, [other]);
    frozen.child.kill('SIGCONT');
    await changeAll('Newest');
    await untilDelivered(shop, [frozen, other]);
    for (const worker of [frozen, other]) worker.child.kill('SIGTERM');
    for (const worker of [frozen, other]) expect((await worker.finished).code).toBe(0);
  });

  it('go on when their connections are cut at any moment', async () => {
    await shop.sandbox.options({ latencyMs: 50 });
    const worker = await start();
    for (let round = 1; round <= 10; round += 1) {
      await changeAll(`Cut ${round}`);
      await cut();
      await shop.application.query('SELECT SLEEP(?)', [0.05 * (round % 4)]);
      await cut();
    }
    await untilDelivered(shop, [worker]);
    worker.child.kill('SIGTERM');
    expect((await worker.finished).code).toBe(0);
  });

  it('go on also when one of the first connections is hung up on', async () => {
    const proxy = await startFaultyProxy(shop.env.DATABASE_URL ?? '');
    // Of the first depends whether there is a database at all, which is told at once.
    for (const connection of [2, 3, 4]) {
      proxy.hangUpOn(connection);
      const worker = await start({ DATABASE_URL: proxy.url });
      for (let change = 1; !proxy.hasHungUp(); change += 1) {
        await changeAll(`Hung up ${connection} ${change}`);
        await untilDelivered(shop, [worker]);
      }
      await changeAll(`Hung up ${connection} at last`);
      await untilDelivered(shop, [worker]);
      worker.child.kill('SIGTERM');
      expect((await worker.finished).code).toBe(0);
    }
    await proxy.close();
  });

  it('share one outbox, five of them, without sending much twice', async () => {
    const workers = await Promise.all([1, 2, 3, 4, 5].map(() => start()));
    await shop.sandbox.clearCalls();
    await changeAll('Shared');
    await untilDelivered(shop, workers);
    const sent = (await shop.sandbox.calls()).filter(({ path }) => path.includes(CALL)).flatMap(({ inputs }) => inputs);
    expect(sent.length).toBeLessThanOrEqual(new Set(sent).size * 1.2);
    for (const worker of workers) worker.child.kill('SIGTERM');
    for (const worker of workers) expect((await worker.finished).code).toBe(0);
  });

  it('are not misled by clocks that are hours apart', async () => {
    const aheadBy = (hours: number) =>
      start({ NODE_OPTIONS: `--import ${wrongClock}`, CLOCK_AHEAD_MS: String(hours * HOUR_MS) });
    await shop.sandbox.options({ latencyMs: 300 });
    const early = await aheadBy(9);
    const late = await aheadBy(-9);
    const startedAt = (worker: Started) => Date.parse(linesOf(worker)[0]?.time ?? '');
    expect(startedAt(early) - startedAt(late), 'what the clocks differ by').toBeGreaterThan(17 * HOUR_MS);

    // A lease judged by one's own clock would be over at once for one of them.
    await shop.sandbox.clearCalls();
    await changeAll('By two clocks');
    await untilDelivered(shop, [early, late]);
    const sent = (await shop.sandbox.calls()).filter(({ path }) => path.includes(CALL)).flatMap(({ inputs }) => inputs);
    expect(sent.length).toBeLessThanOrEqual(new Set(sent).size * 1.2);

    // One written by one's own clock would last for hours, and so would what is due.
    await changeAll('Killed by its clock');
    await callUnderWay();
    early.child.kill('SIGKILL');
    await untilDelivered(shop, [late]);
    late.child.kill('SIGTERM');
    expect((await late.finished).code).toBe(0);
  });
});
