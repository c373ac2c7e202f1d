import type { Connection } from 'mysql2/promise';
import type { Random } from '../../examples/shop/random.ts';
import { type Capture, installCapture } from './capture.ts';
import type { Query, Scenario } from './scenario.ts';
import {
  canLoadData,
  dump,
  openSession,
  perform,
  quietStatements,
  randomStatements,
  refill,
  type Snapshot,
  takeSnapshot,
} from './session.ts';
import type { Statement } from './statements.ts';
import { shrink, tell } from './trail.ts';

export type Counts = { statements: number; failed: number; changed: number; marked: number; refused: string[] };

/** What went wrong in one round: records that changed unmarked, or marks where nothing changed. */
export type Fault =
  | { object: string; id: string; before: string | undefined; after: string | undefined }
  | { marks: string[] };

export type Play = { capture: Capture; connection: Connection; scenario: Scenario };

type Snapshots = Map<string, Snapshot>;
type Round = { statements: Statement[]; quiet: boolean };

/**
 * Plays `rounds` rounds of random statements and demands after each that every record whose result changed
 * was marked. Throws an error that tells the rows and the fewest statements that show the fault.
 */
export async function prove(
  database: { url: string },
  scenario: Scenario,
  random: Random,
  rounds: number,
): Promise<Counts> {
  const connection = await openSession(database.url);
  try {
    for (const statement of scenario.schema) await connection.query(statement);
    const capture = await installCapture(database.url, scenario.objects);
    try {
      const game = { capture, connection, scenario: { ...scenario, objects: capture.followed } };
      return { ...(await play(game, random, rounds)), refused: capture.refused };
    } finally {
      await capture.close();
    }
  } finally {
    await connection.end();
  }
}

async function play(game: Play, random: Random, rounds: number): Promise<Omit<Counts, 'refused'>> {
  const { connection, scenario } = game;
  const counts = { statements: 0, failed: 0, changed: 0, marked: 0 };
  const canLoad = await canLoadData(connection);
  let before = await takeAll(connection, scenario.objects);
  for (let round = 1; round <= rounds; round++) {
    const rows = await dump(connection, scenario);
    const quiet = random.chance(0.1);
    const statements = quiet
      ? quietStatements(scenario, random)
      : [...refill(scenario, rows, random), ...randomStatements(scenario, random, canLoad)];
    counts.statements += statements.length;
    counts.failed += await perform(connection, statements);
    const { fault, after, changed, marked } = await judge(game, before, quiet);
    if (fault) {
      const data = [...rows.values()].flat();
      const fewest = await shrink(statements, (fewer) => repeat(game, data, { statements: fewer, quiet }));
      throw new Error(tell({ scenario, round, fault, data, statements: fewest }));
    }
    counts.changed += changed;
    counts.marked += marked;
    before = after;
  }
  return counts;
}

/** Compares before and after, and resolves what was marked in between. */
async function judge({ capture, connection, scenario }: Play, before: Snapshots, quiet: boolean) {
  const { marks, records } = await capture.resolve();
  const after = await takeAll(connection, scenario.objects);
  let changed = 0;
  let fault: Fault | undefined;
  for (const { name } of scenario.objects) {
    const [was, is] = [before.get(name), after.get(name)];
    for (const id of new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])])) {
      if (was?.get(id) === is?.get(id)) continue;
      changed++;
      // The outbox's key takes blanks at the end for nothing, as nearly every collation does.
      if (!records.get(name)?.has(id.trimEnd()))
        fault ??= { object: name, id, before: was?.get(id), after: is?.get(id) };
    }
  }
  if (quiet && marks.length > 0) fault ??= { marks };
  const marked = [...records.values()].reduce((sum, ids) => sum + ids.size, 0);
  return { fault, after, changed, marked };
}

/** Puts the rows back and plays the round again: does the fault show? */
async function repeat(game: Play, data: string[], { statements, quiet }: Round): Promise<boolean> {
  const { connection, scenario, capture } = game;
  await perform(connection, [{ sql: 'ROLLBACK' }, { sql: "SET sql_mode = ''" }]);
  for (const { name } of scenario.tables) await connection.query(`DELETE FROM ${name}`);
  for (const sql of data) await connection.query(sql);
  await capture.resolve();
  const before = await takeAll(connection, scenario.objects);
  await perform(connection, statements);
  await perform(connection, [{ sql: 'COMMIT' }]);
  return (await judge(game, before, quiet)).fault !== undefined;
}

async function takeAll(connection: Connection, objects: Query[]): Promise<Snapshots> {
  const snapshots: Snapshots = new Map();
  for (const object of objects) snapshots.set(object.name, await takeSnapshot(connection, object));
  return snapshots;
}
