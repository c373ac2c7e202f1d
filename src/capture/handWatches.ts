import type { ObjectMapping } from '../config/mapping.ts';
import type { Problem } from '../errors.ts';
import type { KeyKind } from '../keys.ts';
import { type Catalog, findColumn, findTable, keyKindOf, NOTE_CHARACTERS } from './catalog.ts';
import { quoteName, type Watch } from './watch.ts';

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
