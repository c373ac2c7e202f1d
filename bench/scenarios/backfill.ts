import type { Connection } from 'mysql2/promise';
import type { Bench, Outcome, Scenario } from '../frame/scenario.ts';
import { openStage } from '../frame/stage.ts';

const LOCK_NOWAIT = [1205, 3572];

/** How fast a whole table is enqueued, and whether the application could ever feel it. */
export const backfill: Scenario = {
  name: 'backfill',
  async run(bench: Bench): Promise<Outcome> {
    const users = bench.isQuick ? 100_000 : 1_000_000;
    const stage = await openStage(bench, { users });
    const prober = await stage.connect();
    try {
      bench.say(`backfill of ${users} rows`);
      const begun = performance.now();
      await stage.must('backfill');
      const rate = users / ((performance.now() - begun) / 1_000);
      bench.say('once more, while its locks are looked for');
      const ended = new AbortController();
      const probing = probe(prober, users, ended.signal);
      await stage.must('backfill');
      ended.abort();
      const { probes, longestMs } = await probing;
      const title = `backfill of ${users.toLocaleString('en-US')} rows`;
      return {
        rows: [
          {
            scenario: `${title}: enqueued`,
            ours: { value: rate, unit: 'rows/s' },
            beside: null,
            checks: [{ value: rate, is: '≥', bound: 50_000, unit: 'rows/s' }],
          },
          {
            scenario: `${title}: longest lock on a source row`,
            ours: { value: longestMs, unit: 'ms' },
            beside: null,
            checks: [{ value: longestMs, is: '≤', bound: 0, unit: 'ms' }],
            note: `${probes} times 1,000 rows around the backfill's place were locked for writing without waiting`,
          },
        ],
      };
    } finally {
      await prober.end();
      await stage.close();
    }
  },
};

/** Locks the rows the backfill is at, again and again, and refuses to wait: a lock that is met shows as an error. */
async function probe(
  connection: Connection,
  users: number,
  signal: AbortSignal,
): Promise<{ probes: number; longestMs: number }> {
  let probes = 0;
  let longestMs = 0;
  let lockedSince: number | null = null;
  while (!signal.aborted) {
    const [[row]] = (await connection.query('SELECT backfill_after AS place FROM hubspot_object')) as unknown as [
      { place: string | null }[],
    ];
    const place = Math.min(Number(row?.place ?? 0), users);
    try {
      await connection.query('START TRANSACTION');
      await connection.query(`SELECT id FROM users WHERE id > ${place - 500} ORDER BY id LIMIT 1000 FOR UPDATE NOWAIT`);
      lockedSince = null;
    } catch (error) {
      if (!LOCK_NOWAIT.includes((error as { errno?: number }).errno ?? 0)) throw error;
      lockedSince ??= performance.now();
      longestMs = Math.max(longestMs, performance.now() - lockedSince, 1);
    }
    await connection.query('ROLLBACK');
    probes += 1;
  }
  return { probes, longestMs };
}
