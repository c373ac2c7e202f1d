import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { median } from '../frame/figures.ts';
import { numbersBetween } from '../frame/fillShop.ts';
import { cpuSeconds } from '../frame/program.ts';
import type { Bench, Outcome, Scenario } from '../frame/scenario.ts';
import { openStage } from '../frame/stage.ts';
import { spellsOf, tapWire } from '../frame/wire.ts';

/** Passes come a second apart; one with nothing to do is far shorter. */
const PAUSE_MS = 300;

/** What a look costs when there is nothing to do, whatever number of rows lies there. */
export const idle: Scenario = {
  name: 'idle',
  async run(bench: Bench): Promise<Outcome> {
    const rows = bench.isQuick ? 1_000_000 : 10_000_000;
    const seconds = bench.isQuick ? 20 : 60;
    const stage = await openStage(bench, { users: 100 });
    const wire = await tapWire(stage.databaseUrl);
    try {
      bench.say(`writing ${rows} synced rows`);
      await fillSynced(stage.application, rows);
      const worker = stage.start(['run'], { DATABASE_URL: wire.url });
      await delay(15_000);
      bench.say('nothing to do');
      const before = { reads: await handlerReads(stage.application), cpu: cpuSeconds(worker.pid) };
      // What the question itself reads is in every answer.
      const own = (await handlerReads(stage.application)) - before.reads;
      const firstTrip = wire.roundTrips.length;
      await delay(seconds * 1_000);
      const reads = (await handlerReads(stage.application)) - before.reads - 2 * own;
      const cpu = ((cpuSeconds(worker.pid) - before.cpu) / seconds) * 100;
      const passes = spellsOf(wire.roundTrips.slice(firstTrip), PAUSE_MS);
      await worker.stop();
      const passMs = median(passes.map(({ ms }) => ms));
      const title = `nothing to do, ${rows.toLocaleString('en-US')} synced rows`;
      return {
        rows: [
          line(`${title}: rows read per pass`, reads / passes.length, 'rows', 200),
          line(
            `${title}: a pass`,
            passMs,
            'ms',
            5,
            `${median(passes.map(({ roundTrips }) => roundTrips))} round trips`,
          ),
          line(`${title}: worker CPU`, cpu, '% of a core', 1),
        ],
      };
    } finally {
      await wire.close();
      await stage.close();
    }
  },
};

function line(scenario: string, value: number, unit: string, bound: number, note?: string) {
  return {
    scenario,
    ours: { value, unit },
    beside: null,
    checks: [{ value, is: '≤' as const, bound, unit }],
    ...(note === undefined ? {} : { note }),
  };
}

const CHUNK = 100_000;

async function fillSynced(connection: Connection, rows: number): Promise<void> {
  await connection.query('DELETE FROM hubspot_data');
  for (let first = 1_000_000; first < 1_000_000 + rows; first += CHUNK) {
    await connection.query(
      `INSERT INTO hubspot_data (object, source_id, status, due_at, match_value, hubspot_id, sent_at, created_at, updated_at)
       SELECT 'contacts', n, 'synced', UTC_TIMESTAMP(6), CONCAT('customer.', n, '@example.com'), n + 552000000000,
              UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
       FROM ${numbersBetween(first, first + CHUNK - 1)}`,
    );
  }
}

/** Rows read through any index or by scanning, by everybody on the server. */
async function handlerReads(connection: Connection): Promise<number> {
  const [rows] = await connection.query("SHOW GLOBAL STATUS LIKE 'Handler_read%'");
  return (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0);
}
