import type { ObjectMapping } from '../config/mapping.ts';
import { fillPlaceholders } from '../config/placeholder.ts';
import type { Db } from '../database/connect.ts';
import { isAboutRows, sqlMessageOf } from '../database/refusals.ts';
import { OutboxError } from '../errors.ts';
import { type KeyKind, keyList } from '../keys.ts';
import { type ColumnPacket, type SourceValue, toColumn, toValue, type WireColumn } from './column.ts';

export type Loaded = {
  /** Every column of the SELECT but `source_id`. */
  columns: WireColumn[];
  /** By record id, only ids that were asked for. An id that is not here is not returned by the query. */
  rows: Map<string, SourceValue[]>;
  /** Records for which the query returned rows that differ. */
  ambiguous: Set<string>;
  /** Records on which the query fails, with what the server says. */
  failed: Map<string, string>;
};

/** Longer than any query by primary key takes; one that waits for an ALTER TABLE must not outlast the rows' lease. */
const TIMEOUT_MS = 60_000;
/** Without a record it is only looked at. */
const LOOK_TIMEOUT_MS = 5_000;

/**
 * Runs the user's SELECT for these ids: the rows as they are now, each value as exact text. Ids are compared byte by
 * byte, as they are everywhere in the outbox. The session's time zone is UTC, see `connect`. Where the query fails on
 * what one record holds (a subquery with two rows, a number out of range), the others are loaded without it.
 * @throws the driver's error where it fails for another reason
 */
export async function load(db: Db, object: ObjectMapping, keyKind: KeyKind, ids: readonly string[]): Promise<Loaded> {
  try {
    return await loadAll(db, object, keyKind, ids);
  } catch (error) {
    if (!isAboutRows(error)) throw error;
    const [id = ''] = ids;
    if (ids.length === 1)
      return { columns: [], rows: new Map(), ambiguous: new Set(), failed: new Map([[id, sqlMessageOf(error)]]) };
    const half = Math.ceil(ids.length / 2);
    const first = await load(db, object, keyKind, ids.slice(0, half));
    const second = await load(db, object, keyKind, ids.slice(half));
    return {
      columns: first.columns.length > 0 ? first.columns : second.columns,
      rows: new Map([...first.rows, ...second.rows]),
      ambiguous: new Set([...first.ambiguous, ...second.ambiguous]),
      failed: new Map([...first.failed, ...second.failed]),
    };
  }
}

async function loadAll(db: Db, object: ObjectMapping, keyKind: KeyKind, ids: readonly string[]): Promise<Loaded> {
  // Without bindings a `?` is nothing but itself, to knex and to the driver.
  const sql = fillPlaceholders(object.query, { ids: keyList(keyKind, ids) });
  const [table, packets] = (await db
    .raw(sql)
    .options({ rowsAsArray: true, typeCast: false })
    .timeout(ids.length === 0 ? LOOK_TIMEOUT_MS : TIMEOUT_MS, { cancel: true })) as [
    (Buffer | null)[][],
    ColumnPacket[],
  ];
  const all = packets.map(toColumn);
  const at = all.findIndex(({ name }) => name.toLowerCase() === 'source_id');
  // Without it every record would seem to be gone.
  if (at < 0)
    throw new OutboxError(`the query of ${object.name} returns no column source_id`, { code: 'NO_SOURCE_ID' });
  const asked = new Set(ids);
  const loaded: Loaded = { columns: without(all, at), rows: new Map(), ambiguous: new Set(), failed: new Map() };
  for (const bytes of table) {
    const values = all.map((column, index) => toValue(column, bytes[index] ?? null));
    const id = idText(keyKind, values[at] ?? null);
    if (asked.has(id)) keep(loaded, id, without(values, at));
  }
  return loaded;
}

function keep({ rows, ambiguous }: Loaded, id: string, values: SourceValue[]): void {
  const earlier = rows.get(id);
  if (earlier !== undefined && !isEqual(earlier, values)) ambiguous.add(id);
  rows.set(id, values);
}

/** As triggers note it: a ZEROFILL column shows zeros that are no part of its number. */
function idText(kind: KeyKind, id: SourceValue): string {
  if (id === null) return '';
  if (typeof id !== 'string') return id.toString('hex').toUpperCase();
  return kind === 'integer' && /^-?\d+$/.test(id) ? BigInt(id).toString() : id;
}

function isEqual(a: readonly SourceValue[], b: readonly SourceValue[]): boolean {
  return a.every((value, index) => {
    const other = b[index] ?? null;
    return Buffer.isBuffer(value) ? Buffer.isBuffer(other) && value.equals(other) : value === other;
  });
}

function without<T>(list: readonly T[], at: number): T[] {
  return list.filter((_, index) => index !== at);
}
