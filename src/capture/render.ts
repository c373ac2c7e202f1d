import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeyKind } from '../keys.ts';
import { quoteName } from '../keys.ts';
import { packagePath } from '../packageRoot.ts';
import { type Catalog, findColumn, findTable } from './catalog.ts';
import type { Watch } from './watch.ts';

export type TriggerEvent = 'INSERT' | 'UPDATE' | 'DELETE';

export type Trigger = {
  name: string;
  table: string;
  event: TriggerEvent;
  /** The whole CREATE TRIGGER statement. */
  create: string;
  /** What information_schema shows of it: from the label to the end. */
  body: string;
};

/** A watch with the id that its marks carry. */
export type RegisteredWatch = Watch & { id: number };

/** Every trigger of ours begins with this label, by which it is recognised: comments do not survive every client. */
export const LABEL = 'hubspot_outbox: BEGIN';

/** The triggers that note what all objects watch: three a table. Pure but for the templates. */
export function renderTriggers(watches: readonly RegisteredWatch[], catalog: Catalog): Trigger[] {
  const tables = [...new Set(watches.map(({ table }) => table))].sort();
  return tables.flatMap((table) => {
    const ofTable = watches.filter((watch) => watch.table === table).sort((a, b) => a.id - b.id);
    return [
      trigger(
        table,
        'INSERT',
        ofTable.map((watch) => `  ${mark(watch, 'NEW')}`),
      ),
      trigger(
        table,
        'UPDATE',
        ofTable.map((watch) => updateMarks(watch, catalog)),
      ),
      trigger(
        table,
        'DELETE',
        ofTable.map((watch) => `  ${mark(watch, 'OLD')}`),
      ),
    ];
  });
}

function trigger(table: string, event: TriggerEvent, marks: readonly string[]): Trigger {
  const name = triggerName(table, event);
  const create = fill(template(event.toLowerCase()), {
    name: quoteName(name),
    table: quoteName(table),
    marks: marks.join('\n'),
  });
  return { name, table, event, create, body: create.slice(create.indexOf(LABEL)) };
}

/** `hubspot_<table>_au`; a long name of a table is cut and told apart by its hash. Names have 64 characters at most. */
export function triggerName(table: string, event: TriggerEvent): string {
  const suffix = `_a${event.charAt(0).toLowerCase()}`;
  const name = `hubspot_${table}${suffix}`;
  if (name.length <= 64) return name;
  const hash = createHash('sha256').update(table).digest('hex').slice(0, 8);
  return `${`hubspot_${table}`.slice(0, 64 - suffix.length - 9)}_${hash}${suffix}`;
}

function updateMarks(watch: RegisteredWatch, catalog: Catalog): string {
  const table = findTable(catalog, watch.table);
  const typeOf = (column: string) => (table === undefined ? '' : (findColumn(table, column)?.type ?? ''));
  return fill(template('update_watch'), {
    unchanged: watch.columns.map((column) => isSame(column, typeOf(column))).join(' AND '),
    same_key: isSame(watch.note.column, typeOf(watch.note.column)),
    new: mark(watch, 'NEW'),
    old: mark(watch, 'OLD'),
  });
}

// Types whose values are equal only when they are the same. A text follows its collation, in which bob equals Bob; a
// float prints -0 and 0 differently; JSON forgets the order of keys.
const EXACT = [
  'tinyint',
  'smallint',
  'mediumint',
  'int',
  'bigint',
  'year',
  'bit',
  'decimal',
  'date',
  'time',
  'datetime',
  'timestamp',
  'binary',
  'varbinary',
  'tinyblob',
  'blob',
  'mediumblob',
  'longblob',
];

function isSame(column: string, type: string): string {
  const name = quoteName(column);
  if (EXACT.includes(type)) return `OLD.${name} <=> NEW.${name}`;
  const bytes = `CAST(OLD.${name} AS BINARY) <=> CAST(NEW.${name} AS BINARY)`;
  return type === 'float' || type === 'double' ? `OLD.${name} <=> NEW.${name} AND ${bytes}` : bytes;
}

function mark({ id, note }: RegisteredWatch, row: 'OLD' | 'NEW'): string {
  const column = `${row}.${quoteName(note.column)}`;
  return fill(template('mark'), { column, watch: String(id), key: noted(note.kind, column) });
}

/** `+ 0`: a ZEROFILL column would be noted with its zeros. */
function noted(kind: KeyKind, column: string): string {
  switch (kind) {
    case 'integer':
      return `${column} + 0`;
    case 'text':
      return column;
    case 'binary':
      return `HEX(${column})`;
  }
}

function template(name: string): string {
  return readFileSync(packagePath('triggers', `${name}.sql`), 'utf8').trimEnd();
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}
