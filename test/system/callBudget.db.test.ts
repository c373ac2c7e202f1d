import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Started, startProgram, until } from '../support/program.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { linesOf } from '../support/workers.ts';
import { swiftMapping } from './swiftMapping.ts';

const BUDGET = 8;
const mapping = swiftMapping({ calls_per_day: BUDGET, concurrency: 1 });

let shop: SyncedShop;
const running: Started[] = [];
beforeAll(async () => {
  shop = await openSyncedShop({ users: 900, mapping });
  await shop.must('backfill');
});
afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await shop?.close();
});

it('a worker rests when the calls of its day are used up, says so, and remembers it when it is started anew', async () => {
  const first = start();
  await until(isResting);
  expect(await callsMade()).toBeGreaterThanOrEqual(BUDGET);
  expect(await callsMade()).toBeLessThanOrEqual(BUDGET + 2);
  const left = await pending();
  expect(left).toBeGreaterThan(0);
  const url = linesOf(first).find(({ msg }) => msg === 'listening')?.url;
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
    status: 'unhealthy',
    reasons: expect.arrayContaining([expect.stringMatching(/calls/)]),
  });
  first.child.kill('SIGKILL');
  await first.finished;

  await shop.sandbox.clearCalls();
  const second = start();
  await until(() => linesOf(second).some(({ msg }) => msg === 'paused'));
  await shop.application.query('SELECT SLEEP(3)');
  // A worker learns the properties when it starts; nothing is sent.
  expect((await shop.sandbox.calls()).filter(({ path }) => path.includes('batch'))).toEqual([]);
  expect(await pending()).toBe(left);
});

function start(): Started {
  const worker = startProgram(['--config', mapping, 'run'], shop.env);
  running.push(worker);
  return worker;
}

async function isResting(): Promise<boolean> {
  const paused = await shop.select<{ code: string | null }>('SELECT paused_code AS code FROM hubspot_object');
  return paused.every(({ code }) => code === 'CALLS_PER_DAY');
}

async function callsMade(): Promise<number> {
  return (await shop.sandbox.calls()).filter(({ path }) => !path.startsWith('/__sandbox')).length;
}

async function pending(): Promise<number> {
  const [row] = await shop.select<{ n: number }>("SELECT COUNT(*) AS n FROM hubspot_data WHERE status = 'pending'");
  return Number(row?.n);
}
