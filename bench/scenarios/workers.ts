import { inPairs, median } from '../frame/figures.ts';
import type { Bench, Outcome, Row, Scenario } from '../frame/scenario.ts';
import { openStage } from '../frame/stage.ts';
import { expectAll } from './firstLoad.ts';

type Drained = { rate: number; twice: number };

/** Several workers on one outbox, HubSpot without limit: what each adds, and what is sent twice. */
export const workers: Scenario = {
  name: 'workers',
  async run(bench: Bench): Promise<Outcome> {
    const users = bench.isQuick ? 10_000 : 60_000;
    const rows: Row[] = [];
    for (const count of [2, 4]) {
      const { a, b } = await inPairs(
        bench.pairs,
        () => drain(bench, users, count),
        () => drain(bench, users, 1),
      );
      rows.push({
        scenario: `${count} workers on one outbox, no limit, 150 ms latency`,
        ours: { value: median(a.map(({ rate }) => rate)), unit: 'records/s' },
        beside: { value: median(b.map(({ rate }) => rate)), unit: 'records/s', what: 'one worker' },
        checks: [],
        note: `${Math.max(...a.map(({ twice }) => twice))} of ${users} records were sent twice`,
      });
    }
    return { rows };
  },
};

async function drain(bench: Bench, users: number, count: number): Promise<Drained> {
  bench.say(`${users} rows, ${count} workers`);
  const settings = { calls_per_10s: 10_000 };
  const stage = await openStage(bench, { users, settings, hubspot: { plan: 'unlimited' } });
  try {
    await stage.must('backfill');
    await stage.hubspot.clearCalls();
    const running = Array.from({ length: count }, () => stage.start(['run']));
    await stage.settled();
    const endedAt = Date.now();
    await Promise.all(running.map((worker) => worker.stop()));
    await expectAll(stage, users, 0);
    const writes = await stage.hubspot.writes();
    const sent = writes.reduce((sum, { inputs }) => sum + inputs.length, 0);
    return { rate: users / ((endedAt - (writes[0]?.at ?? endedAt)) / 1_000), twice: sent - users };
  } finally {
    await stage.close();
  }
}
