import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { server, useOwnServer } from '../support/database.ts';
import { type Started, startProgram, until } from '../support/program.ts';
import type { Server } from '../support/servers/server.ts';
import { PRIVATE } from '../support/servers/start.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { linesOf, untilDelivered } from '../support/workers.ts';
import { swiftMapping } from './swiftMapping.ts';

const mapping = swiftMapping({ lease_ms: 4_000, request_timeout_ms: 2_000 });
// A server in a container is not ours to kill.
const startServer = PRIVATE[server().kind];

(startServer === undefined ? describe.skip : describe)('a worker whose database fails', () => {
  let own: Server;
  let shop: SyncedShop;
  let worker: Started;

  beforeAll(async () => {
    if (startServer === undefined) return;
    own = await startServer();
    useOwnServer(own);
    shop = await openSyncedShop({ users: 400, mapping });
    await shop.must('backfill');
    await shop.must('once');
    await shop.sandbox.options({ latencyMs: 50 });
    worker = startProgram(['--config', mapping, 'run'], shop.env);
    await until(() => worker.out().includes('"listening"') || worker.child.exitCode !== null);
  });
  afterEach(async () => {
    await untilDelivered(shop, [worker]);
    await until(async () => (await shop.select('SELECT source_id FROM hubspot_doubt')).length === 0);
    await expectSynced(shop, mapping);
  });
  afterAll(async () => {
    worker?.child.kill('SIGTERM');
    await worker?.finished;
    await shop?.close();
    useOwnServer(null);
    await own?.stop();
  });

  const changeAll = (name: string) => shop.application.query('UPDATE users SET last_name = ?', [name]);
  const said = (msg: string) => linesOf(worker).filter((line) => line.msg === msg).length;

  it.each(['SIGKILL', 'SIGTERM'] as const)('goes on after it was ended by %s and started anew', async (signal) => {
    const before = said('database is away');
    for (let round = 1; round <= 2; round += 1) {
      await changeAll(`${signal} ${round}`);
      // Wherever the worker is by then: folding, claiming, calling, settling.
      await delay(round * 100);
      await own.restart?.(signal);
      await shop.reconnect();
    }
    await untilDelivered(shop, [worker]);
    // Told once each time, not with every attempt.
    expect(said('database is away') - before).toBeLessThanOrEqual(2);
    await until(() => said('database is back') === said('database is away'));
  });

  it('goes on after it took no writes for a while, and asks for what its triggers could not note', async () => {
    await changeAll('Before it was read-only');
    await shop.accounts.admin('SET GLOBAL read_only = ON');
    const before = said('database is away');
    // The administrator's statements are no matter of read_only, but the triggers are defined by an account like others.
    await changeAll('While it is read-only');
    await until(() => said('database is away') > before || worker.child.exitCode !== null);
    await delay(1_500);
    expect(said('database is away')).toBe(before + 1);
    expect(said('database is back')).toBe(before);
    await shop.accounts.admin('SET GLOBAL read_only = OFF');
    await until(() => said('database is back') === said('database is away') || worker.child.exitCode !== null);
    const asked = 'the outbox took no writes for a while, when changes may not have been noted';
    const reasons = () =>
      shop.select<{ reason: string | null }>('SELECT backfill_reason AS reason FROM hubspot_object');
    expect((await reasons()).map(({ reason }) => reason)).toEqual([asked, asked]);
    await shop.must('backfill');
    expect((await reasons()).map(({ reason }) => reason)).toEqual([null, null]);
  });
});
