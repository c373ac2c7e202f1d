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
// One file for all tables, of a limited size: full as a disk is, without filling the disk.
const FLAGS = ['--innodb-file-per-table=OFF', '--innodb-data-file-path=ibdata1:12M:autoextend:max:160M'];

(startServer === undefined ? describe.skip : describe)('a worker whose database fails', () => {
  let own: Server;
  let shop: SyncedShop;
  let worker: Started;

  beforeAll(async () => {
    if (startServer === undefined) return;
    own = await startServer(() => FLAGS);
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
    await own?.stop();
  });

  const changeAll = (name: string) => shop.application.query('UPDATE users SET last_name = ?', [name]);
  const said = (msg: string) => linesOf(worker).filter((line) => line.msg === msg).length;

  it.each(['SIGKILL', 'SIGTERM'] as const)('goes on after it was ended by %s and started anew', async (signal) => {
    const before = said('database is away');
    for (let round = 1; round <= 4; round += 1) {
      await changeAll(`${signal} ${round}`);
      // Wherever the worker is by then: folding, claiming, calling, settling.
      await delay(round * 60);
      await own.restart?.(signal);
      await shop.reconnect();
    }
    await untilDelivered(shop, [worker]);
    // Told once each time, not with every attempt.
    expect(said('database is away') - before).toBeLessThanOrEqual(4);
    expect(said('database is back')).toBeGreaterThanOrEqual(said('database is away') - 1);
  });

  it('goes on after it took no writes for a while', async () => {
    await changeAll('Before it was read-only');
    await shop.accounts.admin('SET GLOBAL read_only = ON');
    const before = said('database is away');
    // The administrator's statements are no matter of read_only.
    await changeAll('While it is read-only');
    await until(() => said('database is away') > before || worker.child.exitCode !== null);
    await delay(1_500);
    expect(said('database is away')).toBe(before + 1);
    await shop.accounts.admin('SET GLOBAL read_only = OFF');
    await untilDelivered(shop, [worker]);
    await until(() => said('database is back') > 0);
  });

  it('goes on after its disk was full for a while', async () => {
    await shop.application.query('CREATE TABLE filler (id INT AUTO_INCREMENT PRIMARY KEY, bytes LONGBLOB)');
    // The calls are under way while it fills up: what is settled afterwards finds no room.
    await shop.sandbox.options({ latencyMs: 1_500 });
    await changeAll('Before it was full');
    await fill();
    const before = linesOf(worker).length;
    await until(() =>
      linesOf(worker)
        .slice(before)
        .some(({ level }) => level === 'error'),
    );
    await shop.application.query('DROP TABLE filler');
    await untilDelivered(shop, [worker]);
  });

  /** Down to the last page: in ever smaller pieces. */
  async function fill(): Promise<void> {
    for (const size of [1_000_000, 100_000, 17_000, 4_000, 100]) {
      for (;;) {
        const isFull = await shop.application.query('INSERT INTO filler (bytes) VALUES (REPEAT("x", ?))', [size]).then(
          () => false,
          (error: { errno?: number }) => {
            expect(error.errno).toBe(1114);
            return true;
          },
        );
        if (isFull) break;
      }
    }
  }
});
