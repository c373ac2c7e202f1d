import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../frame/figures.ts';
import type { Bench, Curve, Outcome, Scenario } from '../frame/scenario.ts';
import { LATENCY_MS, openStage, type Stage } from '../frame/stage.ts';

const SETTINGS = { schedule: '* * * * * *', calls_per_10s: 190 };

/** How old a change is when HubSpot takes it, while the application changes 50 rows a second. */
export const freshness: Scenario = {
  name: 'freshness',
  async run(bench: Bench): Promise<Outcome> {
    const seconds = bench.isQuick ? 15 : 60;
    const stage = await openStage(bench, { users: 5_000, settings: SETTINGS });
    try {
      await stage.syncAll();
      const worker = stage.start(['run']);
      await delay(3_000);
      bench.say(`50 changes a second for ${seconds} s`);
      const ages = await changeAndWatch(stage, { firstId: 1, perSecond: 50, seconds });
      const calls = (await stage.hubspot.writes()).length;
      await worker.stop();
      const [p50, p99] = [percentile(ages, 50), percentile(ages, 99)];
      const title = 'freshness: 50 changes/s, schedule every second';
      return {
        rows: [
          {
            scenario: `${title}, p50`,
            ours: { value: p50, unit: 'ms' },
            beside: { value: LATENCY_MS, unit: 'ms', what: "HubSpot's latency" },
            checks: [{ value: p50, is: '≤', bound: 500, unit: 'ms' }],
            note: `${calls} calls for ${ages.length} changes`,
          },
          {
            scenario: `${title}, p99`,
            ours: { value: p99, unit: 'ms' },
            beside: null,
            checks: [{ value: p99, is: '≤', bound: 1_500, unit: 'ms' }],
          },
        ],
        curves: [ageCurve('50 changes/s', ages)],
      };
    } finally {
      await stage.close();
    }
  },
};

/** How old a single change is when HubSpot takes it, while the rows of a mass update wait before it. */
export const freshnessBehindMass: Scenario = {
  name: 'freshness-behind-mass-update',
  async run(bench: Bench): Promise<Outcome> {
    const mass = bench.isQuick ? 20_000 : 50_000;
    const stage = await openStage(bench, { users: mass + 2_000, settings: SETTINGS });
    try {
      await stage.syncAll();
      const worker = stage.start(['run']);
      await delay(3_000);
      bench.say(`a mass update of ${mass} rows, and single changes behind it`);
      await stage.query(`UPDATE users SET last_name = CONCAT(last_name, 'x') WHERE id <= ${mass}`);
      const seconds = Math.floor(mass / 1_900) - 2;
      const ages = await changeAndWatch(stage, { firstId: mass + 1, perSecond: 10, seconds });
      await worker.stop();
      const p99 = percentile(ages, 99);
      return {
        rows: [
          {
            scenario: `freshness behind a mass update of ${mass.toLocaleString('en-US')} rows, p99`,
            ours: { value: p99, unit: 'ms' },
            beside: null,
            checks: [{ value: p99, is: '≤', bound: 3_000, unit: 'ms' }],
            note: `p50 ${Math.round(percentile(ages, 50))} ms of ${ages.length} changes`,
          },
        ],
        curves: [ageCurve('behind a mass update', ages)],
      };
    } finally {
      await stage.close();
    }
  },
};

/**
 * Changes one row after the other, each once, at an even rate, and waits until all is delivered. Returns how old each
 * change was when HubSpot wrote it, in ms: counted from before its statement was sent, so that no slow reading of an
 * answer makes it look younger.
 */
async function changeAndWatch(
  stage: Stage,
  { firstId, perSecond, seconds }: { firstId: number; perSecond: number; seconds: number },
): Promise<number[]> {
  const sentAt = new Map<string, number>();
  const begun = performance.now();
  for (let n = 0; n < perSecond * seconds; n += 1) {
    await delay(Math.max(0, begun + (n * 1_000) / perSecond - performance.now()));
    const id = firstId + n;
    sentAt.set(String(id), Date.now());
    await stage.query('UPDATE users SET first_name = ? WHERE id = ?', [`Changed${n}`, id]);
  }
  await stage.settled();
  // Records that HubSpot has are updated by its own id.
  const known = await stage.query<{ hubspot_id: string; source_id: string }>(
    'SELECT hubspot_id, source_id FROM hubspot_data WHERE source_id IN (?)',
    [[...sentAt.keys()]],
  );
  const idOf = new Map(known.map(({ hubspot_id, source_id }) => [String(hubspot_id), source_id]));
  const ages: number[] = [];
  for (const { at, inputs } of await stage.hubspot.writes()) {
    for (const id of inputs.map((input) => idOf.get(input) ?? '')) {
      const sent = sentAt.get(id);
      if (sent === undefined || at < sent) continue;
      ages.push(at + LATENCY_MS - sent);
      sentAt.delete(id);
    }
  }
  if (sentAt.size > 0) throw new Error(`${sentAt.size} changes never reached HubSpot`);
  return ages;
}

/** Which share of the changes was at most so old. */
function ageCurve(name: string, ages: readonly number[]): Curve {
  const percents = Array.from({ length: 100 }, (_, n) => n + 1);
  return { chart: 'latency', name, points: percents.map((percent) => [percentile(ages, percent), percent]) };
}
