import { inPairs, median } from '../frame/figures.ts';
import type { Bench, Outcome, Scenario } from '../frame/scenario.ts';
import { openStage } from '../frame/stage.ts';

/** How long a person waits for a command. */
export const start: Scenario = {
  name: 'start',
  async run(bench: Bench): Promise<Outcome> {
    const stage = await openStage(bench, { users: 1_000, hubspot: { latencyMs: 0 } });
    try {
      await stage.syncAll();
      bench.say('starting the program');
      const rounds = bench.isQuick ? 5 : 15;
      const { a: help, b: bare } = await inPairs(
        rounds,
        () => timeMs(() => stage.must('--help')),
        () => timeMs(() => bench.build.run('--eval', ['0'])),
      );
      const once: number[] = [];
      for (let round = 0; round < rounds; round += 1) once.push(await timeMs(() => stage.must('once')));
      return {
        rows: [
          {
            scenario: 'start: hubspot-outbox --help',
            ours: { value: median(help), unit: 'ms' },
            beside: { value: median(bare), unit: 'ms', what: 'Node alone' },
            checks: [{ value: median(help), is: '≤', bound: 150, unit: 'ms' }],
          },
          {
            scenario: 'start: hubspot-outbox once, nothing to do',
            ours: { value: median(once), unit: 'ms' },
            beside: { value: median(bare), unit: 'ms', what: 'Node alone' },
            checks: [{ value: median(once), is: '≤', bound: 1_000, unit: 'ms' }],
          },
        ],
      };
    } finally {
      await stage.close();
    }
  },
};

async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
