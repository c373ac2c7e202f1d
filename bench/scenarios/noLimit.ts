import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inPairs, median } from '../frame/figures.ts';
import { startHubspot } from '../frame/hubspot.ts';
import type { Bench, Outcome, Scenario } from '../frame/scenario.ts';
import { openStage } from '../frame/stage.ts';
import { expectAll } from './firstLoad.ts';

const CONCURRENCY = 4;
const UNLIMITED = { plan: 'unlimited', latencyMs: 0 } as const;
const bareLoop = fileURLToPath(new URL('../peers/bareLoop.ts', import.meta.url));

/** What our part of the work costs in time: against a loop that has its records in memory and only calls the SDK. */
export const noLimit: Scenario = {
  name: 'no-limit',
  async run(bench: Bench): Promise<Outcome> {
    const users = bench.isQuick ? 10_000 : 60_000;
    const inputs = join(bench.build.folder, 'inputs.json');
    const { a, b } = await inPairs(
      bench.pairs,
      () => ours(bench, users, inputs),
      () => bare(bench, users, inputs),
    );
    const [mine, loop] = [median(a), median(b)];
    return {
      rows: [
        {
          scenario: `no limit, no latency: ${users.toLocaleString('en-US')} rows end to end`,
          ours: { value: mine, unit: 'records/s' },
          beside: { value: loop, unit: 'records/s', what: 'bare loop around the SDK' },
          checks: [{ value: mine / loop, is: '≥', bound: 0.5, unit: '×' }],
        },
      ],
    };
  },
};

/** From the first call until all is settled and the program has ended; leaves what it sent for the loop. */
async function ours(bench: Bench, users: number, inputs: string): Promise<number> {
  bench.say(`${users} rows without limit`);
  const settings = { calls_per_10s: 10_000, concurrency: CONCURRENCY };
  const stage = await openStage(bench, { users, settings, hubspot: UNLIMITED });
  try {
    await stage.must('backfill');
    await stage.hubspot.clearCalls();
    await stage.must('once');
    const endedAt = Date.now();
    await expectAll(stage, users, 0);
    const [first] = await stage.hubspot.writes();
    const sent = await stage.query<{ sent_properties: string }>('SELECT sent_properties FROM hubspot_data');
    writeFileSync(inputs, `[${sent.map(({ sent_properties }) => sent_properties).join(',')}]`);
    return users / ((endedAt - (first?.at ?? endedAt)) / 1_000);
  } finally {
    await stage.close();
  }
}

async function bare(bench: Bench, users: number, inputs: string): Promise<number> {
  bench.say('the bare loop');
  const hubspot = await startHubspot(bench.build, UNLIMITED);
  try {
    const out = await bench.build.run(bareLoop, [hubspot.url, hubspot.token, inputs, String(CONCURRENCY)]);
    return users / (JSON.parse(out) as { seconds: number }).seconds;
  } finally {
    await hubspot.close();
  }
}
