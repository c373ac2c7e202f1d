import type { Connection } from 'mysql2/promise';
import { median } from '../frame/figures.ts';
import { cpuSeconds } from '../frame/program.ts';
import type { Bench, Outcome, Row, Scenario } from '../frame/scenario.ts';
import { openStage, type Stage } from '../frame/stage.ts';
import { createInPlaceTriggers, dropInPlaceTriggers } from '../peers/inPlaceTriggers.ts';

const USERS = 20_000;
const CONNECTIONS = 4;
const WATCHED = 'UPDATE users SET first_name = ? WHERE id = ?';
const UNWATCHED = 'UPDATE users SET login_count = ? WHERE id = ?';

/** A commit is on the disk before it is answered, as by default; servers for tests are not that careful. */
const FLUSH = 'innodb_flush_log_at_trx_commit';

type Triggers = 'none' | 'marks' | 'in place';
type Measured = { watched: Rate; unwatched: Rate; massMs: number };
type Rate = { perSecond: number; databaseUs: number };

/** What the application pays for its triggers. No worker runs: this is about the statement alone. */
export const applicationWrites: Scenario = {
  name: 'application-writes',
  async run(bench: Bench): Promise<Outcome> {
    const stage = await openStage(bench, { users: USERS });
    try {
      // Rows that exist are what in-place marking meets every day.
      await stage.syncAll();
      await stage.query(`SET GLOBAL ${FLUSH} = 1`);
      const found: Record<Triggers, Measured[]> = { none: [], marks: [], 'in place': [] };
      // Short rounds, taken in turn: a slow spell of the machine meets all three.
      for (let round = 0; round < (bench.isQuick ? 3 : 9); round += 1) {
        for (const triggers of ['none', 'marks', 'in place'] as const) {
          await install(stage, triggers);
          found[triggers].push(await measure(bench, stage, triggers));
        }
      }
      return { rows: rowsOf(found) };
    } finally {
      await stage.query(`SET GLOBAL ${FLUSH} = 2`);
      await stage.close();
    }
  },
};

function rowsOf(found: Record<Triggers, Measured[]>): Row[] {
  // Round by round, since rounds lie seconds apart and the machine's pace drifts over minutes.
  const ratio = (triggers: Triggers, of: (measured: Measured) => number) =>
    median(found[triggers].map((measured, round) => of(measured) / of(found.none[round] ?? measured)));
  const middle = (triggers: Triggers, of: (measured: Measured) => number) => median(found[triggers].map(of));
  const added = (triggers: Triggers) =>
    median(found[triggers].map(({ massMs }, round) => massMs - (found.none[round]?.massMs ?? Number.NaN)));
  const costs = (name: 'watched' | 'unwatched') =>
    (['none', 'marks', 'in place'] as const)
      .map((triggers) => `${Math.round(middle(triggers, (each) => each[name].databaseUs))} µs (${triggers})`)
      .join(', ');
  const single = (name: 'watched' | 'unwatched', bound: number): Row => ({
    scenario: `the application's own writes: single-row updates of ${name} columns`,
    ours: { value: middle('marks', (each) => each[name].perSecond), unit: 'statements/s' },
    beside: { value: middle('none', (each) => each[name].perSecond), unit: 'statements/s', what: 'without triggers' },
    checks: [{ value: ratio('marks', (each) => each[name].perSecond), is: '≥', bound, unit: '×' }],
    note: `median of the rounds' ratios ${ratio('marks', (each) => each[name].perSecond).toFixed(2)} × with marks, ${ratio('in place', (each) => each[name].perSecond).toFixed(2)} × in place; CPU of the database a statement ${costs(name)}`,
  });
  const perRow = (triggers: Triggers) => (added(triggers) * 1_000) / USERS;
  return [
    single('watched', 0.9),
    single('unwatched', 0.97),
    {
      scenario: "the application's own writes: 20,000 rows in one statement, added cost per row",
      ours: { value: perRow('marks'), unit: 'µs' },
      beside: { value: perRow('in place'), unit: 'µs', what: 'in-place triggers' },
      checks: [{ value: perRow('marks') / perRow('in place'), is: '≤', bound: 0.5, unit: '×' }],
      note: `the statement takes ${Math.round(middle('none', ({ massMs }) => massMs))} ms without triggers, ${Math.round(middle('marks', ({ massMs }) => massMs))} ms with marks, ${Math.round(middle('in place', ({ massMs }) => massMs))} ms in place`,
    },
  ];
}

async function install(stage: Stage, triggers: Triggers): Promise<void> {
  await dropInPlaceTriggers(stage.application);
  await stage.must('triggers', 'drop');
  if (triggers === 'marks') await stage.must('triggers', 'apply');
  if (triggers === 'in place') await createInPlaceTriggers(stage.application);
  await stage.query('TRUNCATE TABLE hubspot_mark');
  await stage.query("UPDATE hubspot_data SET status = 'synced', pending_since = NULL WHERE status = 'pending'");
}

async function measure(bench: Bench, stage: Stage, triggers: Triggers): Promise<Measured> {
  bench.say(`the application's writes, triggers: ${triggers}`);
  const ms = bench.isQuick ? 1_500 : 4_000;
  const unwatched = await statementRate(bench, stage, UNWATCHED, ms);
  const watched = await statementRate(bench, stage, WATCHED, ms);
  await expectNoted(stage, triggers);
  const begun = performance.now();
  await stage.query('UPDATE users SET last_name = ?', [`Mass${begun}`]);
  return { watched, unwatched, massMs: performance.now() - begun };
}

/** Triggers that note nothing would be quick. */
async function expectNoted(stage: Stage, triggers: Triggers): Promise<void> {
  const [row] = await stage.query<{ marks: number; pending: number }>(
    "SELECT (SELECT COUNT(*) FROM hubspot_mark) AS marks, (SELECT COUNT(*) FROM hubspot_data WHERE status = 'pending') AS pending",
  );
  const isRight =
    Number(row?.marks) > 0 === (triggers === 'marks') && Number(row?.pending) > 0 === (triggers === 'in place');
  if (!isRight) throw new Error(`triggers ${triggers} noted ${JSON.stringify(row)}`);
}

async function statementRate(bench: Bench, stage: Stage, sql: string, ms: number): Promise<Rate> {
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => stage.connect()));
  const cpu = cpuSeconds(bench.server.pid);
  const begun = performance.now();
  const counts = await Promise.all(connections.map((connection, n) => repeat(connection, sql, n, begun + ms)));
  const seconds = (performance.now() - begun) / 1_000;
  await Promise.all(connections.map((connection) => connection.end()));
  const statements = counts.reduce((sum, count) => sum + count, 0);
  const databaseUs = ((cpuSeconds(bench.server.pid) - cpu) * 1_000_000) / statements;
  return { perSecond: statements / seconds, databaseUs };
}

/** Each connection has rows of its own: waiting for one another is not what is measured. */
async function repeat(connection: Connection, sql: string, offset: number, until: number): Promise<number> {
  let count = 0;
  for (; performance.now() < until; count += 1) {
    const id = 1 + ((count * CONNECTIONS + offset) % USERS);
    await connection.query(sql, [count + 1 + Math.floor(until), id]);
  }
  return count;
}
