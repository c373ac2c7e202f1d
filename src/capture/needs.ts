import grammar from 'node-sql-parser/build/mysql.js';
import type { Mapping } from '../config/mapping.ts';
import { bareCode, fillPlaceholders } from '../config/placeholder.ts';
import type { Db } from '../database/connect.ts';
import type { GrantedTable } from '../database/grants.ts';
import { isNode, listOf, SKIPPED } from './parse.ts';

/** What the accounts must reach of the application, by what the mapping says. */
export type Needs = {
  /** Triggers stand on these. */
  watched: GrantedTable[];
  /** Only read, by the `records` of watches written by hand. */
  read: GrantedTable[];
  /** Stored functions that are called. */
  functions: string[];
  /** SQL that cannot be read, as sentences: its tables are for the user to name. */
  unread: string[];
};

/** Reads the mapping's SQL alone: neither the tables nor any right on them need be there yet. */
export async function needsOf(db: Db, { objects }: Mapping): Promise<Needs> {
  const unread: string[] = [];
  const tablesIn = (sql: string, place: string) => {
    try {
      return readTables(sql);
    } catch {
      unread.push(`${place} cannot be read here: grant SELECT on its tables by hand`);
      return [];
    }
  };
  const watched = objects.flatMap(({ name, key, query, watch }) => [
    { name: key.table },
    ...tablesIn(query, `objects.${name}.query`),
    ...watch.map(({ table }) => ({ name: table })),
  ]);
  const read = objects.flatMap(({ name, watch }) =>
    watch.flatMap(({ table, records }) => tablesIn(records, `objects.${name}.watch.${table}.records`)),
  );
  const sql = objects.flatMap(({ query, watch }) => [query, ...watch.map(({ records }) => records)]);
  return { watched: distinct(watched), read: distinct(read), functions: await functionsIn(db, sql), unread };
}

/** Every table that is read, wherever it stands in the SQL, but for names the SQL gives to its own SELECTs. */
function readTables(sql: string): GrantedTable[] {
  const readable = fillPlaceholders(sql, { ids: '0', keys: '0' });
  const parser = new grammar.Parser();
  const own = new Set(commonTables(parser.astify(readable)));
  return parser.tableList(readable).flatMap((entry) => {
    const [, database = 'null', ...rest] = entry.split('::');
    const name = unquoted(rest.join('::'));
    if (database !== 'null') return [{ database: unquoted(database), name }];
    return own.has(name) ? [] : [{ name }];
  });
}

/** The parser leaves a backtick in a name doubled. */
function unquoted(name: string): string {
  return name.replaceAll('``', '`');
}

function commonTables(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(commonTables);
  if (!isNode(node)) return [];
  const own = listOf(node.with).map(({ name }) => String((name as { value?: unknown } | undefined)?.value));
  const below = Object.entries(node).filter(([name]) => !SKIPPED.includes(name));
  return [...own, ...below.flatMap(([, value]) => commonTables(value))];
}

/** Functions are known to the server alone; one that is not seen from here calls for no right. */
async function functionsIn(db: Db, sql: readonly string[]): Promise<string[]> {
  const [rows] = await db.raw(
    "SELECT ROUTINE_NAME AS name FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_TYPE = 'FUNCTION'",
  );
  const called = new Set(
    sql.flatMap((each) =>
      [...bareCode(each).matchAll(/([\p{L}\p{N}_$]+)\s*\(/gu)].map(([, name]) => name?.toLowerCase()),
    ),
  );
  return (rows as { name: string }[]).map(({ name }) => name).filter((name) => called.has(name.toLowerCase()));
}

function distinct(tables: readonly GrantedTable[]): GrantedTable[] {
  const byName = new Map(tables.map((table) => [JSON.stringify([table.database, table.name]), table]));
  return [...byName.values()];
}
