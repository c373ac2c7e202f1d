import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FOLD_LOCK } from '../../src/outbox/foldLock.ts';
import { server, useOwnServer } from '../support/database.ts';
import { startProgram, until } from '../support/program.ts';
import type { Server } from '../support/servers/server.ts';
import { PRIVATE } from '../support/servers/start.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { linesOf, untilDelivered } from '../support/workers.ts';
import { swiftMapping } from './swiftMapping.ts';

const mapping = swiftMapping({ lease_ms: 4_000, request_timeout_ms: 2_000 });
// A server in a container has a disk of its own; and MySQL 5.6 itself crashes when there is no room.
const startServer = server().kind === 'mysql-5.6' ? undefined : PRIVATE[server().kind];
/** Enough that what the outbox notes of them does not fit into what its files have to spare. */
const USERS = 20_000;

// A mount takes root. Not in every run: now and then a server itself crashes when its disk is full.
const isPossible =
  process.env.DISK_FULL === '1' &&
  spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /tmp']).status === 0;
describe.skipIf(startServer === undefined || !isPossible)('a worker whose database has no room left', () => {
  let own: Server;
  let shop: SyncedShop;

  beforeAll(async () => {
    if (startServer === undefined) return;
    own = await startServer();
    useOwnServer(own);
    shop = await openSyncedShop({ users: 400, mapping });
  });
  afterAll(async () => {
    shop?.application.destroy();
    await shop?.sandbox.close();
    useOwnServer(null);
    await own?.stop();
  });

  it('waits, says so once, and delivers everything when there is room', async () => {
    await shop.must('backfill');
    await shop.must('once');
    await own.restart?.('SIGTERM', { database: shop.database.name, megabytes: 96 });
    await shop.reconnect();
    const worker = startProgram(['--config', mapping, 'run'], shop.env);
    await until(() => worker.out().includes('"listening"') || worker.child.exitCode !== null);
    // While somebody else folds, the worker leaves the marks where they are.
    await shop.application.query(`SELECT GET_LOCK(${FOLD_LOCK}, 30)`);
    await shop.application.query("SET SESSION sql_mode = ''");
    await shop.application.query(
      `INSERT INTO users (email, first_name, last_name, user_status, customer_group, registered_at)
       SELECT CONCAT('new.', a.id * 1000 + b.id, '@example.com'), 'New', 'User', 'A', 'Retail', UTC_TIMESTAMP()
       FROM users a JOIN users b LIMIT ${USERS}`,
    );
    const free = fillDisk(`/proc/${own.pid}/cwd/${shop.database.name}/fill`);
    await shop.application.query(`SELECT RELEASE_LOCK(${FOLD_LOCK})`);
    const said = (msg: string) => linesOf(worker).filter((line) => line.msg === msg).length;
    try {
      await until(() => said('database is away') > 0 || worker.child.exitCode !== null);
      await delay(1_500);
      expect(said('database is away')).toBe(1);
      const [row] = await shop.select<{ marks: number }>('SELECT COUNT(*) AS marks FROM hubspot_mark');
      expect(Number(row?.marks), 'marks that wait').toBeGreaterThan(0);
      free();
      await untilDelivered(shop, [worker]);
      expect(said('database is back')).toBe(said('database is away'));
      await expectSynced(shop, mapping);
    } finally {
      worker.child.kill('SIGTERM');
      await worker.finished;
    }
  });
});

/** Returns what makes room again. */
function fillDisk(file: string): () => void {
  const handle = openSync(file, 'w');
  const block = Buffer.alloc(65_536);
  try {
    for (;;) writeSync(handle, block);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  } finally {
    closeSync(handle);
  }
  return () => rmSync(file);
}
