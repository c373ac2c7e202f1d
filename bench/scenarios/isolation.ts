import { randomFrom } from '../../examples/shop/random.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import type { Bench, Outcome, Row, Scenario } from '../frame/scenario.ts';
import { openStage, type Stage } from '../frame/stage.ts';
import { oneByOneCalls, plainBisectionCalls } from '../peers/bisection.ts';
import { expectAll } from './firstLoad.ts';

const BATCH = 100;
const BAD_COUNTS = [1, 2, 5, 10];

type Isolated = { batches: boolean[][]; callsPerBatch: number };

/** What bad records cost in calls where HubSpot refuses whole batches. */
export const isolation: Scenario = {
  name: 'isolation',
  async run(bench: Bench): Promise<Outcome> {
    const batchCount = bench.isQuick ? 20 : 200;
    const rows: Row[] = [];
    let worstQuoted = 0;
    for (const badCount of BAD_COUNTS) {
      const quoted = await isolate(bench, 'quoted', batchCount, badCount);
      worstQuoted = Math.max(worstQuoted, quoted.callsPerBatch / badCount);
    }
    rows.push({
      scenario: 'whole-batch 400s that quote the value: calls per bad record, worst of 1, 2, 5, 10 bad in 100',
      ours: { value: worstQuoted, unit: 'calls' },
      beside: null,
      checks: [{ value: worstQuoted, is: '≤', bound: 3, unit: 'calls' }],
    });
    for (const badCount of BAD_COUNTS) {
      const silent = await isolate(bench, 'silent', batchCount, badCount);
      rows.push(silentRow(badCount, silent));
    }
    return { rows };
  },
};

function silentRow(badCount: number, { batches, callsPerBatch }: Isolated): Row {
  const bound = 1.2 * log2Choose(BATCH, badCount) + badCount + 1;
  const bisection = mean(batches.map(plainBisectionCalls));
  return {
    scenario: `whole-batch 400s that say nothing: calls per batch, ${badCount} bad in 100`,
    ours: { value: callsPerBatch, unit: 'calls' },
    beside: { value: bisection, unit: 'calls', what: 'plain bisection' },
    checks: [{ value: callsPerBatch, is: '≤', bound, unit: 'calls' }],
    note: `one by one takes ${mean(batches.map(oneByOneCalls))} calls; the plain design loses all 100 records of the batch`,
  };
}

/** One batch at a time, so that each hundred in the order of the queue is a batch, with just so many bad ones in it. */
async function isolate(
  bench: Bench,
  refusals: SandboxOptions['refusals'],
  batchCount: number,
  badCount: number,
): Promise<Isolated> {
  bench.say(`${badCount} bad in each of ${batchCount} batches, ${refusals}`);
  const users = batchCount * BATCH;
  const settings = { calls_per_10s: 10_000, concurrency: 1 };
  const hubspot = { plan: 'unlimited', latencyMs: 0, refusals } as const;
  const stage = await openStage(bench, { users, settings, hubspot });
  try {
    await stage.must('triggers', 'drop');
    await stage.must('backfill');
    const batches = await spoil(stage, badCount);
    await stage.hubspot.clearCalls();
    await stage.must('once');
    await expectAll(stage, users - batchCount * badCount, batchCount * badCount);
    const calls = (await stage.hubspot.writes()).length;
    return { batches, callsPerBatch: calls / batchCount };
  } finally {
    await stage.close();
  }
}

/** Makes records bad at random places of each batch; returns which. */
async function spoil(stage: Stage, badCount: number): Promise<boolean[][]> {
  const random = randomFrom(badCount);
  const queue = await stage.query<{ id: string }>(
    'SELECT source_id AS id FROM hubspot_data ORDER BY due_at, source_id',
  );
  const batches: boolean[][] = [];
  const bad: string[] = [];
  for (let from = 0; from < queue.length; from += BATCH) {
    const isBad = Array.from({ length: BATCH }, () => false);
    while (isBad.filter(Boolean).length < badCount) isBad[random.integer(0, BATCH - 1)] = true;
    bad.push(...queue.slice(from, from + BATCH).flatMap(({ id }, n) => (isBad[n] ? [id] : [])));
    batches.push(isBad);
  }
  await stage.query("UPDATE users SET email = CONCAT('bad', id, '@') WHERE id IN (?)", [bad]);
  return batches;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The bits it takes to say which `k` of `n` are bad. */
function log2Choose(n: number, k: number): number {
  return Array.from({ length: k }, (_, i) => Math.log2((n - i) / (k - i))).reduce((sum, bits) => sum + bits, 0);
}
