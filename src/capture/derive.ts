import type { ObjectMapping } from '../config/mapping.ts';
import type { Problem } from '../errors.ts';
import type { KeyKind } from '../keys.ts';
import { type Catalog, type CatalogTable, findColumn, findTable, KEY_CHARACTERS, keyKindOf } from './catalog.ts';
import { handWatches } from './handWatches.ts';
import { NotDerivable, parseQuery, queryTables } from './parse.ts';
import { describePath, findPath, noteKind, recordsOf } from './paths.ts';
import { type QueryReading, readQuery } from './readQuery.ts';
import type { Source } from './scope.ts';
import { checkSelect, selectNames } from './selectList.ts';
import { suggestWatch } from './suggest.ts';
import type { Watch } from './watch.ts';

export type Derivation = {
  watches: Watch[];
  /** HubSpot properties, in the order of the select list. */
  properties: string[];
  keyKind: KeyKind | null;
  warnings: string[];
  problems: Problem[];
};

/**
 * Which tables and columns to watch for an object, and how a changed row leads to its records. Pure. Whatever cannot
 * be derived and is not written by hand is a problem, with the `watch:` block to write.
 */
export function deriveWatches(object: ObjectMapping, catalog: Catalog): Derivation {
  const where = `objects.${object.name}`;
  const derivation: Derivation = { watches: [], properties: [], keyKind: null, warnings: [], problems: [] };
  const fail = (at: string, message: string, fix?: string) =>
    derivation.problems.push({ where: `${where}.${at}`, message, ...(fix === undefined ? {} : { fix }) });

  const key = readKey(object, catalog, fail);
  if (key === null) return derivation;
  derivation.keyKind = key.kind;
  const byHand = handWatches(object, catalog, key.kind, derivation.problems);
  derivation.watches.push(...byHand);
  try {
    const select = parseQuery(object.query);
    derivation.properties = selectNames(select);
    const reading = readQuery(select, catalog);
    const root = rootOf(reading, key.table);
    checkSelect(select, reading, root, object.key.column, (message) => fail('query', message));
    derivation.warnings.push(...reading.warnings);
    for (const source of reading.sources) {
      if (byHand.some(({ table }) => table === source.table.name)) continue;
      const watch = watchOf(object, reading, source, root, key);
      if (watch === null)
        fail(
          'query',
          noWay(source),
          suggestWatch(object, source.table.name, [...source.read], source.table.columns[0]?.name ?? 'id'),
        );
      else derivation.watches.push(watch);
    }
  } catch (error) {
    if (!(error instanceof NotDerivable)) throw error;
    refuseWhole(object, byHand, error, derivation, fail);
  }
  derivation.watches = merge(derivation.watches);
  return derivation;
}

type Fail = (at: string, message: string, fix?: string) => void;
type Key = { table: CatalogTable; kind: KeyKind };

function readKey({ key }: ObjectMapping, catalog: Catalog, fail: Fail): Key | null {
  const table = findTable(catalog, key.table);
  const column = table === undefined ? undefined : findColumn(table, key.column);
  if (table === undefined) fail('key', `there is no table ${key.table} in the database`);
  else if (table.isView) fail('key', `${key.table} is a view; name the table behind it`);
  else if (column === undefined) fail('key', `the table ${key.table} has no column ${key.column}`);
  else if (!table.uniqueColumns.includes(column.name))
    fail('key', `${key.table}.${key.column} is not unique: it needs a primary key or a unique index of its own`);
  else {
    const kind = keyKindOf(column, KEY_CHARACTERS);
    if (kind !== null) return { table, kind };
    fail(
      'key',
      `${key.table}.${key.column} is ${column.type}${column.length === null ? '' : `(${column.length})`}: a key is an integer, or a text or binary of at most ${KEY_CHARACTERS} characters`,
    );
  }
  return null;
}

function rootOf({ root }: QueryReading, table: CatalogTable): Source {
  const [source] = root.sources.filter((each) => each.table === table);
  if (source === undefined)
    throw new NotDerivable(`the query does not select FROM ${table.name}, the table of the key`);
  return source;
}

function watchOf(
  object: ObjectMapping,
  { edges }: QueryReading,
  source: Source,
  root: Source,
  { table, kind }: Key,
): Watch | null {
  const key = findColumn(table, object.key.column);
  if (key === undefined) return null;
  const base = { object: object.name, table: source.table.name, keyKind: kind, isDerived: true };
  const columns = (note: string) => [...new Set([...source.read, note])].sort();
  if (source === root) {
    return { ...base, columns: columns(key.name), note: { column: key.name, kind }, records: null, path: [] };
  }
  const path = findPath(source, root, edges);
  const [first] = path ?? [];
  const noted = first === undefined ? null : noteKind(first);
  if (path === null || first === undefined || noted === null) return null;
  return {
    ...base,
    columns: columns(first.fromColumn.name),
    note: { column: first.fromColumn.name, kind: noted },
    records: recordsOf(path, root, key, kind),
    path: describePath(path),
  };
}

function noWay({ table, alias }: Source): string {
  const name = alias === table.name ? table.name : `${table.name} ${alias}`;
  return `no equality of columns leads from ${name} to the record, or its column cannot be noted (a float, a BLOB, over 255 characters)`;
}

/** A query that cannot be followed at all is fine when every table of it is watched by hand. */
function refuseWhole(
  object: ObjectMapping,
  byHand: readonly Watch[],
  error: Error,
  { problems }: Derivation,
  fail: Fail,
): void {
  const tables = tablesOf(object.query);
  const open = tables.filter((table) => !byHand.some((watch) => watch.table.toLowerCase() === table.toLowerCase()));
  if (tables.length > 0 && open.length === 0) return;
  const [first = object.key.table] = open;
  if (problems.length === 0 || open.length > 0) fail('query', error.message, suggestWatch(object, first, [], 'id'));
}

function tablesOf(query: string): string[] {
  try {
    return queryTables(query);
  } catch {
    return [];
  }
}

/** Two ways that note the same and mean the same are one. */
function merge(watches: readonly Watch[]): Watch[] {
  const merged = new Map<string, Watch>();
  for (const watch of watches) {
    const name = JSON.stringify([watch.table, watch.note, watch.records]);
    const same = merged.get(name);
    merged.set(
      name,
      same === undefined ? watch : { ...same, columns: [...new Set([...same.columns, ...watch.columns])].sort() },
    );
  }
  return [...merged.values()];
}
