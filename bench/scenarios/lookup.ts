import { median } from '../frame/figures.ts';
import type { Bench, Outcome, Scenario } from '../frame/scenario.ts';
import { openStage, type Stage } from '../frame/stage.ts';

const UPDATE = 'UPDATE countries SET name = ? WHERE id = 1';

/** A country is renamed in which all customers live: one mark for the application, every record for the worker. */
export const lookup: Scenario = {
  name: 'lookup',
  async run(bench: Bench): Promise<Outcome> {
    const users = bench.isQuick ? 19_000 : 50_000;
    const settings = { calls_per_10s: 190 };
    const stage = await openStage(bench, { users, settings, prepare: 'UPDATE users SET country_id = 1' });
    try {
      await stage.syncAll();
      const { bare, marked } = await statementMs(stage);
      bench.say(`a lookup row that concerns ${users} records`);
      const seconds = await deliverAll(stage, users);
      const leastS = (Math.ceil(users / 100 / 190) - 1) * 10;
      const title = `a lookup row that concerns ${users.toLocaleString('en-US')} records`;
      return {
        rows: [
          {
            scenario: `${title}: the application's statement`,
            ours: { value: marked, unit: 'ms' },
            beside: { value: bare, unit: 'ms', what: 'without trigger' },
            checks: [{ value: marked / bare, is: '≤', bound: 2, unit: '×' }],
          },
          {
            scenario: `${title}: all delivered`,
            ours: { value: seconds, unit: 's' },
            beside: { value: leastS, unit: 's', what: "the limit's minimum" },
            checks: [{ value: seconds - leastS, is: '≤', bound: 3, unit: 's more than the minimum' }],
          },
        ],
      };
    } finally {
      await stage.close();
    }
  },
};

/** The median of many single statements, with and without triggers in turn. */
async function statementMs(stage: Stage): Promise<{ bare: number; marked: number }> {
  const bare: number[] = [];
  const marked: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    await stage.must('triggers', 'drop');
    bare.push(...(await time(stage, `bare ${round}`)));
    await stage.must('triggers', 'apply');
    marked.push(...(await time(stage, `marked ${round}`)));
  }
  await stage.query('TRUNCATE TABLE hubspot_mark');
  return { bare: median(bare), marked: median(marked) };
}

async function time(stage: Stage, name: string): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < 100; n += 1) {
    const begun = performance.now();
    await stage.query(UPDATE, [`${name} ${n}`]);
    times.push(performance.now() - begun);
  }
  return times;
}

/** From the statement until HubSpot has been given every record. */
async function deliverAll(stage: Stage, users: number): Promise<number> {
  const worker = stage.start(['run']);
  await new Promise((ready) => worker.child.stdout?.once('data', ready));
  await stage.hubspot.clearCalls();
  const begun = performance.now();
  await stage.query(UPDATE, ['Elsewhere']);
  await stage.settled();
  const seconds = (performance.now() - begun) / 1_000;
  const sent = (await stage.hubspot.writes()).reduce((sum, { inputs }) => sum + inputs.length, 0);
  await worker.stop();
  if (sent < users) throw new Error(`${sent} of ${users} records were sent`);
  return seconds;
}
