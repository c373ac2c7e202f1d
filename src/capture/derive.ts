import type { ObjectMapping } from '../config/mapping.ts';
import type { Problem } from '../errors.ts';
import type { KeyKind } from '../keys.ts';
import {
  type Catalog,
  type CatalogColumn,
  type CatalogTable,
  findColumn,
  findTable,
  KEY_CHARACTERS,
  keyKindOf,
} from './catalog.ts';
import { acceptByHand, handWatches } from './handWatches.ts';
import { scanWarnings } from './indexes.ts';
import { NotDerivable, parseQuery } from './parse.ts';
import { describePath, findPath, noteKind, type Path, recordsOf } from './paths.ts';
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
    const unwatched = reading.sources.filter(({ table }) => !byHand.some((watch) => watch.table === table.name));
    for (const source of unwatched) addWatch(derivation, object, reading, source, root, key, fail);
  } catch (error) {
    if (!(error instanceof NotDerivable)) throw error;
    const { refusal, warning } = acceptByHand(object, catalog, byHand, error);
    if (refusal !== undefined) fail('query', error.message, refusal);
    if (warning !== undefined) derivation.warnings.push(warning);
  }
  return { ...derivation, watches: merge(derivation.watches), warnings: [...new Set(derivation.warnings)] };
}

type Fail = (at: string, message: string, fix?: string) => void;
type Key = { table: CatalogTable; column: CatalogColumn; kind: KeyKind };

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
    if (kind !== null) return { table, column, kind };
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

/** Watches a table of the query, or says what is in the way. */
function addWatch(
  { watches, warnings }: Derivation,
  object: ObjectMapping,
  { edges }: QueryReading,
  source: Source,
  root: Source,
  key: Key,
  fail: Fail,
): void {
  const path = source === root ? [] : findPath(source, root, edges);
  if (path === null) {
    const note = source.table.columns[0]?.name ?? 'id';
    const block = suggestWatch(object, [{ table: source.table.name, columns: [...source.read], note }]);
    fail('query', noWay(source), block);
    return;
  }
  const watch = watchOf(object, source, path, root, key);
  watches.push(watch);
  if (watch.records !== null) warnings.push(...scanWarnings(path));
}

function watchOf({ name }: ObjectMapping, source: Source, path: Path, root: Source, { column, kind }: Key): Watch {
  const [first] = path;
  const note = { column: first?.fromColumn.name ?? column.name, kind: (first && noteKind(first)) ?? kind };
  return {
    object: name,
    table: source.table.name,
    columns: [...new Set([...source.read, note.column])].sort(),
    note,
    records: recordsOf(path, root, column, kind),
    keyKind: kind,
    path: describePath(path),
    isDerived: true,
  };
}

function noWay({ table, alias }: Source): string {
  const name = alias === table.name ? table.name : `${table.name} ${alias}`;
  return `no equality of columns leads from ${name} to the record, or its column cannot be noted (a float, a BLOB, over 255 characters)`;
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
