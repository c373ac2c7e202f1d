import { fillPlaceholders } from '../config/placeholder.ts';
import type { Db } from '../database/connect.ts';
import { type KeyKind, keyList, quoteName } from '../keys.ts';
import type { CatalogColumn } from './catalog.ts';
import { type Path, width } from './paths.ts';
import type { Edge } from './scope.ts';
import type { Watch } from './watch.ts';

/**
 * Notes on the steps of a path at which the server finds no row by an index. Decided from the indexes there are, not
 * from EXPLAIN: on a small table EXPLAIN rightly shows a scan, on an empty one no plan at all, and when the table has
 * grown nobody plans again.
 */
export function scanWarnings(path: Path): string[] {
  const [first] = path;
  return path.flatMap((edge) => {
    const { from, to, toColumn } = edge;
    const cost = `a change of ${first?.from.table.name} reads the whole of ${to.table.name}`;
    const column = `${to.table.name}.${toColumn.name}`;
    if (isConverted(edge, edge === first)) {
      return [
        `${cost}: ${column} is compared with ${from.table.name}.${edge.fromColumn.name}, which is of another type, character set or collation, so no index serves; give both the same`,
      ];
    }
    if (to.table.leadingColumns.includes(toColumn.name)) return [];
    return [`${cost}: no index begins with ${column}. ${createIndex(to.table.name, toColumn)}`];
  });
}

/** Whether the server compares by converting the very column it looks up; then no index on it serves. */
function isConverted({ fromColumn, toColumn }: Edge, isFirst: boolean): boolean {
  const from = familyOf(fromColumn);
  const to = familyOf(toColumn);
  if (from === 'text' && to === 'text') return isConvertedText(fromColumn, toColumn, isFirst);
  return (isFirst ? CONVERTED_FIRST : CONVERTED_LATER).some(([a, b]) => a === from && b === to);
}

// What one of the servers scans for, as EXPLAIN shows. A noted value is a literal, which a server turns into what the
// column is where it can; of two columns it may have to convert the very one it looks up.
const CONVERTED_FIRST: [Family, Family][] = [
  ['number', 'text'],
  ['number', 'bytes'],
  ['number', 'day'],
  ['text', 'day'],
  ['bytes', 'day'],
];
const CONVERTED_LATER: [Family, Family][] = [
  ['number', 'text'],
  ['number', 'bytes'],
  ['day', 'number'],
  ['day', 'text'],
  ['day', 'bytes'],
  ['bytes', 'text'],
];

function isConvertedText(from: CatalogColumn, to: CatalogColumn, isFirst: boolean): boolean {
  if (width(to.charset) < width(from.charset)) return true;
  // A literal follows the column's collation; of two columns of one character set, the one that compares bytes decides.
  return !isFirst && from.charset === to.charset && from.collation !== to.collation && isBytewise(from);
}

function isBytewise({ collation }: CatalogColumn): boolean {
  return collation?.endsWith('_bin') === true;
}

type Family = 'number' | 'text' | 'day' | 'bytes';

function familyOf({ type, charset }: CatalogColumn): Family {
  if (charset !== null && charset !== 'binary') return 'text';
  if (['date', 'datetime', 'timestamp', 'time'].includes(type)) return 'day';
  return /binary|blob|^(var)?char$|text/.test(type) ? 'bytes' : 'number';
}

// MySQL 5.6 takes 767 bytes of a column into an index: 191 characters of utf8mb4.
const INDEXED_CHARACTERS = 191;

function createIndex(table: string, { name, length }: CatalogColumn): string {
  const part = (length ?? 0) > INDEXED_CHARACTERS ? `(${INDEXED_CHARACTERS})` : '';
  const index = quoteName(`hubspot_${name}`.slice(0, 64));
  return `CREATE INDEX ${index} ON ${quoteName(table)} (${quoteName(name)}${part});`;
}

/**
 * Notes on `records` SQL written by hand. What it compares is known to the server alone, so EXPLAIN is asked; not
 * which index it takes, which depends on the rows of today, but whether there is one that it could take.
 */
export async function explainByHand(db: Db, watches: readonly Watch[]): Promise<string[]> {
  const warnings: string[] = [];
  for (const watch of watches) {
    if (watch.isDerived || watch.records === null) continue;
    const place = `${watch.object}: the records of watch.${watch.table}`;
    const select = fillPlaceholders(watch.records.select, { keys: keyList(watch.note.kind, SAMPLES[watch.note.kind]) });
    try {
      const [rows] = await db.raw(`EXPLAIN FORMAT=TRADITIONAL ${select}`);
      const scanned = (rows as ExplainRow[]).filter(isScan).map(({ table }) => table);
      if (scanned.length === 0) continue;
      warnings.push(
        `${place} read the whole of ${[...new Set(scanned)].join(', ')}, for which EXPLAIN knows no index; CREATE INDEX on the column they compare there`,
      );
    } catch (error) {
      warnings.push(`${place} cannot be explained: ${(error as { sqlMessage?: string }).sqlMessage ?? String(error)}`);
    }
  }
  return warnings;
}

const SAMPLES: Record<KeyKind, string[]> = { integer: ['1', '2'], text: ['a', 'b'], binary: ['00', '01'] };

type ExplainRow = { table: string | null; type: string | null; possible_keys: string | null; key: string | null };

/** `<subquery2>` and the like are tables of the server's own. */
function isScan({ table, type, possible_keys: possible, key }: ExplainRow): boolean {
  if (table === null || table.startsWith('<') || possible !== null) return false;
  return type === 'ALL' || (type === 'index' && key !== null);
}
