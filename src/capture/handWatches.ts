import type { ObjectMapping } from '../config/mapping.ts';
import type { Problem } from '../errors.ts';
import type { KeyKind } from '../keys.ts';
import { quoteName } from '../keys.ts';
import { type Catalog, findColumn, findTable, keyKindOf, NOTE_CHARACTERS } from './catalog.ts';
import { NotDerivable, queryTables } from './parse.ts';
import { suggestWatch } from './suggest.ts';
import type { Watch } from './watch.ts';

/** The watches a user wrote, checked against the catalog; what is wrong with them is added to `problems`. */
export function handWatches(object: ObjectMapping, catalog: Catalog, keyKind: KeyKind, problems: Problem[]): Watch[] {
  return object.watch.flatMap(({ table: name, key, columns, records }) => {
    const where = `objects.${object.name}.watch.${name}`;
    const fail = (at: string, message: string) => problems.push({ where: `${where}${at}`, message });
    const table = findTable(catalog, name);
    if (table === undefined || table.isView) {
      fail(
        '',
        table === undefined
          ? `there is no table ${name} in the database`
          : `${name} is a view: a trigger cannot stand on it`,
      );
      return [];
    }
    const noted = findColumn(table, key);
    const kind = noted === undefined ? null : keyKindOf(noted, NOTE_CHARACTERS);
    if (noted === undefined) fail('.key', `the table ${name} has no column ${key}`);
    else if (kind === null)
      fail(
        '.key',
        `${name}.${key} cannot be noted: an integer, or a text or binary of at most ${NOTE_CHARACTERS} characters can`,
      );
    const missing = columns.filter((column) => findColumn(table, column) === undefined);
    for (const column of missing) fail('.columns', `the table ${name} has no column ${column}`);
    if (noted === undefined || kind === null || missing.length > 0) return [];
    return [
      {
        object: object.name,
        table: table.name,
        columns: [
          ...new Set([...columns.map((column) => findColumn(table, column)?.name ?? column), noted.name]),
        ].sort(),
        note: { column: noted.name, kind },
        records: recordsByHand(object, keyKind, records),
        keyKind,
        path: [records.replace(/\s+/g, ' ')],
        isDerived: false,
      },
    ];
  });
}

function recordsByHand({ key }: ObjectMapping, keyKind: KeyKind, records: string) {
  const column = `r.${quoteName(key.column)}`;
  const id = keyKind === 'binary' ? `HEX(${column})` : column;
  return {
    select: `SELECT DISTINCT ${id} AS id FROM ${quoteName(key.table)} r WHERE ${column} IN (${records})`,
    key: column,
  };
}

/**
 * A query that cannot be followed at all is fine when every table of it is watched by hand, those behind its views
 * included. Of one that cannot even be read, the tables are what the user says they are. A refusal is the
 * block to write.
 */
export function acceptByHand(
  object: ObjectMapping,
  catalog: Catalog,
  byHand: readonly Watch[],
  { message }: Error,
): { refusal?: string; warning?: string } {
  const named = tablesOf(object.query);
  const tables = behindAll([object.key.table, ...(named ?? [])], catalog);
  const open = [...tables].filter((name) => !byHand.some(({ table }) => table.toLowerCase() === name.toLowerCase()));
  if (open.length > 0)
    return {
      refusal: suggestWatch(
        object,
        open.map((table) => ({ table })),
      ),
    };
  if (named !== null) return {};
  const watched = [...new Set(byHand.map(({ table }) => table))].join(', ');
  return { warning: `${message}: only what stands under watch: is watched, which is ${watched}` };
}

/** Null when the query cannot be read. */
function tablesOf(query: string): string[] | null {
  try {
    return queryTables(query);
  } catch (error) {
    if (error instanceof NotDerivable) return null;
    throw error;
  }
}

function behindAll(names: readonly string[], catalog: Catalog, found = new Set<string>()): Set<string> {
  for (const name of names) {
    const table = findTable(catalog, name);
    if (table?.isView && table.behind !== null) behindAll(table.behind, catalog, found);
    else found.add(table?.name ?? name);
  }
  return found;
}
