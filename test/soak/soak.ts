import { swiftMapping } from '../system/swiftMapping.ts';
import { Journal } from './application.ts';
import { wreak } from './chaos.ts';
import { Fleet } from './fleet.ts';
import { calm } from './quiet.ts';
import { openShop } from './shop.ts';
import { trailOf } from './trail.ts';
import { type Finding, judge } from './verdict.ts';

export type Soaked = {
  seed: number;
  statements: number;
  /** By name. */
  troubles: Record<string, number>;
  workers: number;
  deaths: Record<string, number>;
  cutConnections: number;
  deletedByHand: number;
  calls: number;
  records: number;
  poison: Record<string, number>;
  /** How long it took after chaos until nothing was left to do. */
  calmMs: number;
  /** What failed; empty is what was promised. */
  problems: string[];
  /** What befell the records that problems name. */
  trails: string[];
};

const LEASE_MS = 5_000;
/** Small batches meet each other more often, and a busy machine is no fault of HubSpot's. */
const SETTINGS = {
  request_timeout_ms: 1_500,
  late_write_ms: 4_000,
  lease_ms: LEASE_MS,
  guard_percent: 100,
  calls_per_10s: 1_000,
  batch_size: 25,
};
const MOST_TRAILS = 12;

/** Chaos for so long, then quiet, then the verdict. */
export async function soak({
  seed,
  chaosMs,
  say,
}: {
  seed: number;
  chaosMs: number;
  say: (text: string) => void;
}): Promise<Soaked> {
  const mapping = swiftMapping(SETTINGS);
  const shop = await openShop(mapping, seed);
  const fleet = new Fleet(mapping, shop.env);
  const journal = new Journal();
  const concerns: string[] = [];
  try {
    await shop.must('backfill');
    fleet.start();
    say('chaos');
    const havoc = await wreak(
      { shop, fleet, journal, leaseMs: LEASE_MS, concerns: (text) => concerns.push(text) },
      seed,
      chaosMs,
    );
    say('quiet');
    const calmedAt = Date.now();
    const stuck = await calm(shop, fleet, havoc.deleted);
    const calmMs = Date.now() - calmedAt;
    say('verdict');
    const { findings, records, poison } = await judge(shop, mapping);
    const failed = [...journal.failed].map(
      ([errno, count]) => `${count} statements of the application failed with errno ${errno}`,
    );
    const problems = [
      ...(stuck === null ? [] : [stuck]),
      ...failed,
      ...fleet.complaints,
      ...concerns,
      ...findings.map(({ text }) => text),
    ];
    const waiting = stuck === null ? [] : await waitingRows(shop);
    const trails = await trailsOf([...findings, ...waiting]);
    return {
      seed,
      statements: journal.statements,
      troubles: Object.fromEntries([...havoc.troubles].sort()),
      workers: fleet.started,
      deaths: { ...fleet.deaths },
      cutConnections: havoc.cutConnections,
      deletedByHand: havoc.deleted.length,
      calls: shop.calls.length,
      records,
      poison,
      calmMs,
      problems,
      trails: [...trails, ...journal.deadlocks],
    };
  } finally {
    await fleet.destroy();
    await shop.close();
  }

  async function trailsOf(findings: readonly Finding[]): Promise<string[]> {
    const wanted = [...new Set(inTurn(findings).flatMap(({ object, ids }) => ids.map((id) => `${object} ${id}`)))];
    const trails: string[] = [];
    for (const name of wanted.slice(0, MOST_TRAILS)) {
      const [object = '', id = ''] = name.split(' ');
      const lines = await trailOf({ shop, executed: journal.executed, said: fleet.said }, object, id);
      trails.push(`== ${name}\n${lines.join('\n')}`);
    }
    return trails;
  }
}

/** The first of each kind, then the second of each, and so on. */
function inTurn(findings: readonly Finding[]): Finding[] {
  const kinds = [
    ...Map.groupBy(findings, ({ text }) => text.replace(/\d+|"[^"]*"|\S+@\S+/g, '').slice(0, 60)).values(),
  ];
  const most = Math.max(0, ...kinds.map(({ length }) => length));
  return Array.from({ length: most }, (_, at) => kinds.flatMap((kind) => kind[at] ?? [])).flat();
}

async function waitingRows(shop: Awaited<ReturnType<typeof openShop>>): Promise<Finding[]> {
  const rows = await shop.select<{ object: string; source_id: string }>(
    `SELECT object, source_id FROM hubspot_data WHERE status = 'pending' UNION SELECT object, source_id FROM hubspot_doubt`,
  );
  return rows.map(({ object, source_id }) => ({ text: '', object, ids: [source_id] }));
}

/** One line, for people. */
export function summary({ seed, ...soaked }: Soaked, chaosMs: number, kind: string): string {
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0);
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const { deaths, troubles, poison } = soaked;
  return [
    `seed ${seed}, ${chaosMs / 60_000} minutes on ${kind}`,
    `${soaked.statements} statements`,
    `${sum(troubles)} troubles of HubSpot (${list(troubles)})`,
    `${soaked.workers} workers (${list(deaths)}), ${soaked.cutConnections} connections cut`,
    `${soaked.deletedByHand} records deleted by hand`,
    `${soaked.calls} calls`,
    `${soaked.records} records, ${sum(poison)} poison (${list(poison)})`,
    `calm after ${Math.round(soaked.calmMs / 1_000)} s`,
    soaked.problems.length === 0 ? 'all is as promised' : `${soaked.problems.length} PROBLEMS`,
  ].join('; ');
}
