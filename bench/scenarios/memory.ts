import { setTimeout as delay } from 'node:timers/promises';
import { memoryMb } from '../frame/program.ts';
import type { Bench, Outcome, Scenario } from '../frame/scenario.ts';
import { openStage } from '../frame/stage.ts';

type Watched = { peak: number; curve: [number, number][] };

/** The worker's memory while a mass update of every row is folded and delivered: it must not depend on the backlog. */
export const memory: Scenario = {
  name: 'memory',
  async run(bench: Bench): Promise<Outcome> {
    const [few, many] = [10_000, bench.isQuick ? 100_000 : 1_000_000];
    const seconds = bench.isQuick ? 30 : 120;
    const small = await watch(bench, few, seconds);
    const large = await watch(bench, many, seconds);
    const name = (rows: number) => `${rows.toLocaleString('en-US')} rows pending`;
    return {
      rows: [
        {
          scenario: `memory: peak RSS with ${name(many)}`,
          ours: { value: large.peak, unit: 'MB' },
          beside: { value: small.peak, unit: 'MB', what: `the peak with ${few.toLocaleString('en-US')}` },
          checks: [
            { value: large.peak, is: '≤', bound: 150, unit: 'MB' },
            { value: large.peak / small.peak, is: '≤', bound: 1.1, unit: '×' },
          ],
        },
      ],
      curves: [
        { chart: 'memory', name: name(few), points: small.curve },
        { chart: 'memory', name: name(many), points: large.curve },
      ],
    };
  },
};

async function watch(bench: Bench, rows: number, seconds: number): Promise<Watched> {
  bench.say(`memory with ${rows} rows pending, for ${seconds} s`);
  const stage = await openStage(bench, {
    users: rows,
    settings: { calls_per_10s: 190 },
    hubspot: { keepsCalls: false },
  });
  try {
    await stage.query("UPDATE users SET last_name = CONCAT(last_name, 'x')");
    const worker = stage.start(['run'], { LOG_LEVEL: 'error' });
    const curve: [number, number][] = [];
    const begun = performance.now();
    while (performance.now() - begun < seconds * 1_000) {
      await delay(500);
      curve.push([(performance.now() - begun) / 1_000, memoryMb(worker.pid).now]);
    }
    const { peak } = memoryMb(worker.pid);
    await worker.stop();
    return { peak, curve };
  } finally {
    await stage.close();
  }
}
