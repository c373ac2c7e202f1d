import { median } from '../frame/figures.ts';
import { cpuSeconds } from '../frame/program.ts';
import type { Bench, Outcome, Scenario } from '../frame/scenario.ts';
import { openStage } from '../frame/stage.ts';

const CEILING = 1_900;

type Cost = { workerMs: number; databaseMs: number; rate: number };

/** What it costs to keep HubSpot busy: CPU time a record, times the most records HubSpot takes in a second. */
export const cost: Scenario = {
  name: 'cost-at-the-ceiling',
  async run(bench: Bench): Promise<Outcome> {
    const costs: Cost[] = [];
    for (let run = 0; run < bench.pairs; run += 1) costs.push(await drain(bench, bench.isQuick ? 19_000 : 57_000));
    const share = (ms: number) => (ms * CEILING) / 10;
    const worker = share(median(costs.map(({ workerMs }) => workerMs)));
    const database = share(median(costs.map(({ databaseMs }) => databaseMs)));
    const rate = median(costs.map((each) => each.rate));
    return {
      rows: [
        {
          scenario: "cost at HubSpot's ceiling (1,900 records/s): worker CPU",
          ours: { value: worker, unit: '% of a core' },
          beside: { value: database, unit: '% of a core', what: 'the database' },
          checks: [{ value: worker, is: '≤', bound: 25, unit: '%' }],
          note: `CPU time a record × 1,900; the run itself did ${Math.round(rate)} records/s`,
        },
      ],
    };
  },
};

async function drain(bench: Bench, users: number): Promise<Cost> {
  bench.say(`CPU of a drain of ${users} rows at HubSpot's pace`);
  const stage = await openStage(bench, { users, settings: { calls_per_10s: 190 } });
  try {
    await stage.must('backfill');
    await stage.hubspot.clearCalls();
    const worker = stage.start(['run']);
    // It says that it has started: what loading the program costs is paid once, and not for each record.
    await new Promise((said) => worker.child.stdout?.once('data', said));
    const [own, database] = [cpuSeconds(worker.pid), cpuSeconds(bench.server.pid)];
    const begun = performance.now();
    await stage.settled();
    const seconds = (performance.now() - begun) / 1_000;
    const workerMs = ((cpuSeconds(worker.pid) - own) * 1_000) / users;
    const databaseMs = ((cpuSeconds(bench.server.pid) - database) * 1_000) / users;
    await worker.stop();
    return { workerMs, databaseMs, rate: users / seconds };
  } finally {
    await stage.close();
  }
}
