import type { KeyKind } from '../keys.ts';
import { quoteName } from '../keys.ts';
import type { RecordsSql } from '../outbox/fold.ts';
import { type CatalogColumn, keyKindOf, NOTE_CHARACTERS } from './catalog.ts';
import type { Edge, Source } from './scope.ts';

/** The way from a table to the record: equalities, each held by the rows that matter. */
export type Path = Edge[];

/** The shortest usable path from a source to the root; null when none leads there. */
export function findPath(source: Source, root: Source, edges: readonly Edge[]): Path | null {
  let ends: { at: Source; path: Path }[] = [{ at: source, path: [] }];
  const seen = new Set([source]);
  while (ends.length > 0) {
    const next: typeof ends = [];
    for (const { at, path } of ends) {
      for (const edge of edges) {
        if (edge.from !== at || seen.has(edge.to) || (path.length === 0 && noteKind(edge) === null)) continue;
        const longer = [...path, edge];
        if (edge.to === root) return longer;
        seen.add(edge.to);
        next.push({ at: edge.to, path: longer });
      }
    }
    ends = next;
  }
  return null;
}

/** A day or a moment is noted as text too; a TIMESTAMP is not, since its text depends on the session's time zone. */
export function noteKind({ fromColumn }: Edge): KeyKind | null {
  if (fromColumn.type === 'date' || fromColumn.type === 'datetime') return 'text';
  return keyKindOf(fromColumn, NOTE_CHARACTERS);
}

/** A path in words, from the table to the record. */
export function describePath(path: Path): string[] {
  return path.map(
    ({ from, fromColumn, to, toColumn }) => `${from.table.name}.${fromColumn.name} = ${to.table.name}.${toColumn.name}`,
  );
}

/**
 * SQL from a noted value to record ids: the joins of the path, backwards from the root, and the noted value at its
 * far end. Null when the noted value is the record's id already.
 */
export function recordsOf(path: Path, root: Source, key: CatalogColumn, keyKind: KeyKind): RecordsSql | null {
  const [first, ...steps] = path;
  if (first === undefined) return null;
  const kind = noteKind(first);
  const isKey = first.to === root && first.toColumn === key;
  if (isKey && kind === 'integer' && keyKind === 'integer') return null;
  const names = new Map([root, ...path.map(({ to }) => to)].map((source, index) => [source, `t${index}`]));
  const column = (source: Source, { name }: CatalogColumn) => `${names.get(source) ?? ''}.${quoteName(name)}`;
  const joins = [...steps]
    .reverse()
    .map(
      ({ from, fromColumn, to, toColumn }) =>
        ` JOIN ${quoteName(from.table.name)} ${names.get(from)} ON ${column(from, fromColumn)} = ${column(to, toColumn)}`,
    );
  const record = column(root, key);
  const id = keyKind === 'binary' ? `HEX(${record})` : record;
  return {
    select: `SELECT DISTINCT ${id} AS id FROM ${quoteName(root.table.name)} ${names.get(root)}${joins.join('')} WHERE ${compared(column(first.to, first.toColumn), first)} IN (:keys)`,
    key: record,
  };
}

/**
 * Of two texts the server compares by the wider character set, and by its collation. A noted value is a literal, which
 * would take the column's own, so a narrower column is converted as the join does.
 */
function compared(column: string, { fromColumn, toColumn }: Edge): string {
  const isNarrower = width(toColumn.charset) < width(fromColumn.charset);
  if (!isNarrower || fromColumn.charset === null || fromColumn.collation === null) return column;
  return `CONVERT(${column} USING ${fromColumn.charset}) COLLATE ${fromColumn.collation}`;
}

/** How much of Unicode a character set holds, in order. */
export function width(charset: string | null): number {
  if (charset === null) return 9;
  if (charset === 'utf8mb4') return 3;
  if (charset === 'utf8' || charset === 'utf8mb3') return 2;
  return charset === 'ascii' ? 0 : 1;
}
