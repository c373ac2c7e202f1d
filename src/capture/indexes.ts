import { fillPlaceholders } from '../config/placeholder.ts';
import type { Db } from '../database/connect.ts';
import { type KeyKind, keyList } from '../keys.ts';
import type { CatalogColumn } from './catalog.ts';
import { type Path, width } from './paths.ts';
import type { Edge } from './scope.ts';
import { quoteName, type Watch } from './watch.ts';

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

/** Whether the server compares by converting the very column it looks up. */
function isConverted({ fromColumn, toColumn }: Edge, isFirst: boolean): boolean {
  if (toColumn.charset === null) return false;
  if (fromColumn.charset === null) return !['date', 'datetime', 'binary', 'varbinary'].includes(fromColumn.type);
  if (width(toColumn.charset) < width(fromColumn.charset)) return true;
  // A noted value is a literal, and follows the column's collation; of two columns the one that compares bytes decides.
  const isSame = toColumn.charset === fromColumn.charset && toColumn.collation === fromColumn.collation;
  return !isFirst && !isSame && width(toColumn.charset) === width(fromColumn.charset) && isBytes(fromColumn);
}

function isBytes({ collation }: CatalogColumn): boolean {
  return collation?.endsWith('_bin') === true;
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
      const [rows] = await db.raw(`EXPLAIN ${select}`);
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
