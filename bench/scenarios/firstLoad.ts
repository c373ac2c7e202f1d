import { inPairs, median } from '../frame/figures.ts';
import type { Bench, Outcome, Scenario } from '../frame/scenario.ts';
import { openStage, type Stage } from '../frame/stage.ts';

const CALLS_PER_10S = 190;

type Load = { wallS: number; refused: number; calls: number; accepted: [number, number][] };

/** Everything enqueued, HubSpot at its limit: how long until it holds all of it. Then the same with bad rows in it. */
export const firstLoad: Scenario = {
  name: 'first-load',
  async run(bench: Bench): Promise<Outcome> {
    const users = bench.isQuick ? 20_000 : 60_000;
    const leastS = leastSeconds(users / 100);
    const { a, b } = await inPairs(
      bench.pairs,
      () => load(bench, users, 0),
      () => load(bench, users, users / 100),
    );
    const clean = median(a.map(({ wallS }) => wallS));
    const bad = median(b.map(({ wallS }) => wallS));
    const refused = Math.max(...a.map((each) => each.refused));
    const title = `first load: ${users.toLocaleString('en-US')} rows, ${CALLS_PER_10S} calls/10 s`;
    return {
      rows: [
        {
          scenario: title,
          ours: { value: clean, unit: 's' },
          beside: { value: leastS, unit: 's', what: "the limit's minimum" },
          checks: [
            { value: clean / leastS, is: '≤', bound: 1.05, unit: '×' },
            { value: refused, is: '≤', bound: 0, unit: 'answers 429' },
          ],
          note: `${refused} answers 429; ${a[0]?.calls} calls`,
        },
        {
          scenario: `${title}, 1 % bad, 207`,
          ours: { value: bad, unit: 's' },
          beside: { value: clean, unit: 's', what: 'the clean run' },
          checks: [{ value: bad / clean, is: '≤', bound: 1.05, unit: '×' }],
          note: `${b[0]?.calls} calls`,
        },
        {
          scenario: `${title}, the plain design`,
          ours: { value: clean, unit: 's' },
          beside: { value: (users / 300) * 180, unit: 's', what: 'cron, 300 rows every 3 minutes' },
          checks: [],
          note: 'by arithmetic',
        },
      ],
      curves: [
        { chart: 'drain', name: 'records accepted', points: a[0]?.accepted ?? [] },
        { chart: 'drain', name: "HubSpot's limit", points: limitCurve(users) },
      ],
    };
  },
};

/** A window's calls may all go out at its beginning, and the last window's as well. */
function leastSeconds(calls: number): number {
  return (Math.ceil(calls / CALLS_PER_10S) - 1) * 10;
}

function limitCurve(users: number): [number, number][] {
  const windows = Math.ceil(users / 100 / CALLS_PER_10S);
  return Array.from({ length: windows }, (_, n): [number, number][] => [
    [n * 10, Math.min(users, n * CALLS_PER_10S * 100)],
    [n * 10, Math.min(users, (n + 1) * CALLS_PER_10S * 100)],
  ]).flat();
}

async function load(bench: Bench, users: number, badCount: number): Promise<Load> {
  bench.say(`first load of ${users} rows, ${badCount} bad`);
  const spoil = "UPDATE users SET email = CONCAT('bad', id, '@') WHERE id % 100 = 7";
  const stage = await openStage(bench, {
    users,
    settings: { calls_per_10s: CALLS_PER_10S },
    ...(badCount === 0 ? {} : { prepare: spoil }),
  });
  try {
    await stage.must('backfill');
    await stage.hubspot.clearCalls();
    const begunAt = Date.now();
    const begun = performance.now();
    await stage.must('once');
    const wallS = (performance.now() - begun) / 1_000;
    await expectAll(stage, users - badCount, badCount);
    const writes = await stage.hubspot.writes();
    let sum = 0;
    const accepted = writes.map(({ at, inputs }): [number, number] => {
      sum += inputs.length;
      return [(at - begunAt) / 1_000, sum];
    });
    return { wallS, refused: (await stage.hubspot.counts()).refused, calls: writes.length, accepted };
  } finally {
    await stage.close();
  }
}

/** A load that lost something was not fast. */
export async function expectAll({ query }: Pick<Stage, 'query'>, synced: number, poison: number): Promise<void> {
  const rows = await query<{ status: string; count: number }>(
    'SELECT status, COUNT(*) AS count FROM hubspot_data GROUP BY status',
  );
  const counts = Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
  if ((counts.synced ?? 0) === synced && (counts.poison ?? 0) === poison) return;
  throw new Error(`expected ${synced} synced and ${poison} poison, got ${JSON.stringify(counts)}`);
}
