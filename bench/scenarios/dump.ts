import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../frame/figures.ts';
import type { Bench, Outcome, Scenario } from '../frame/scenario.ts';
import { openStage, type Stage } from '../frame/stage.ts';
import { spellsOf, tapWire } from '../frame/wire.ts';

/** Longer than a call to HubSpot without latency, shorter than a pass rests before it looks again. */
const PAUSE_MS = 100;
const PASSES = 20;
/** Transactions whose leavings the server has not taken away, of which there are always a few. */
const PURGED = 1_000;

/** A dump keeps every deleted mark in the index while it lasts: does a pass notice? */
export const dump: Scenario = {
  name: 'dump',
  async run(bench: Bench): Promise<Outcome> {
    const marks = bench.isQuick ? 60_000 : 600_000;
    const without = await passMs(bench, marks, false);
    const during = await passMs(bench, marks, true);
    return {
      rows: [
        {
          scenario: `a dump holding a snapshot open while ${marks.toLocaleString('en-US')} marks pass through: a pass`,
          ours: { value: during.ms, unit: 'ms' },
          beside: { value: without.ms, unit: 'ms', what: 'without the dump' },
          checks: [{ value: during.ms / without.ms, is: '≤', bound: 2, unit: '×' }],
          note: `draining took ${Math.round(during.drainS)} s with the dump, ${Math.round(without.drainS)} s without`,
        },
      ],
    };
  },
};

/** How long a pass with one change takes once so many marks have passed through. */
async function passMs(bench: Bench, marks: number, hasDump: boolean): Promise<{ ms: number; drainS: number }> {
  const users = marks / 12;
  const settings = { calls_per_10s: 10_000 };
  const hubspot = { plan: 'unlimited', latencyMs: 0, keepsCalls: false } as const;
  const stage = await openStage(bench, { users, settings, hubspot });
  const wire = await tapWire(stage.databaseUrl);
  const reader = await stage.connect();
  try {
    await stage.syncAll();
    const worker = stage.start(['run'], { DATABASE_URL: wire.url });
    await delay(2_000);
    if (hasDump) {
      await reader.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await reader.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
      await reader.query('SELECT COUNT(*) FROM users');
    }
    bench.say(`${marks} marks pass through, ${hasDump ? 'with' : 'without'} a dump`);
    const begun = performance.now();
    for (let n = 0; n < 12; n += 1) await stage.query('UPDATE users SET last_name = ?', [`Pass ${n}`]);
    await stage.settled();
    const drainS = (performance.now() - begun) / 1_000;
    // Without a dump the server takes away what was deleted: once it has, that is what a pass takes without one.
    if (!hasDump) while ((await historyLength(stage)) > PURGED) await delay(1_000);
    const ms = await changeOneByOne(stage, wire.roundTrips);
    await worker.stop();
    return { ms, drainS };
  } finally {
    await reader.end();
    await wire.close();
    await stage.close();
  }
}

async function historyLength(stage: Stage): Promise<number> {
  const [row] = await stage.query<{ length: number }>(
    "SELECT COUNT AS length FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'",
  );
  return Number(row?.length);
}

/** A pass looks once more after it has delivered: its time is that of all its spells, without the rests between them. */
async function changeOneByOne(stage: Stage, roundTrips: Parameters<typeof spellsOf>[0]): Promise<number> {
  await delay(12_000);
  const passes: number[] = [];
  for (let n = 0; n < PASSES; n += 1) {
    const firstTrip = roundTrips.length;
    await stage.query('UPDATE users SET first_name = ? WHERE id = ?', [`Single ${n}`, n + 1]);
    await delay(1_000);
    passes.push(spellsOf(roundTrips.slice(firstTrip), PAUSE_MS).reduce((sum, { ms }) => sum + ms, 0));
  }
  return median(passes);
}
