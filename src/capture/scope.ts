import { didYouMean } from '../config/checker.ts';
import { type Catalog, type CatalogColumn, type CatalogTable, findColumn, findTable } from './catalog.ts';
import { type Node, NotDerivable } from './parse.ts';

/** A table as it stands in FROM, under its alias. */
export type Source = {
  alias: string;
  table: CatalogTable;
  scope: Scope;
  /** Columns of it that the query reads anywhere, as the catalog spells them. */
  read: Set<string>;
  /** LEFT JOINed: its columns may be NULL although the catalog says they never are. */
  isOptional: boolean;
};

/** One SELECT and the tables it names; a subquery sees its parent's too. */
export type Scope = { sources: Source[]; parent: Scope | null; aliases: Set<string> };

export type ColumnRef = { source: Source; column: CatalogColumn };

/**
 * `from`'s rows matter only where `from.fromColumn = to.toColumn` holds. One-way: an equality in the ON of a LEFT JOIN
 * says nothing about the rows it is joined to, and one in a subquery nothing about the rows around it.
 */
export type Edge = { from: Source; fromColumn: CatalogColumn; to: Source; toColumn: CatalogColumn };

export function addSource(scope: Scope, catalog: Catalog, item: Node, isOptional: boolean): Source {
  if (typeof item.table !== 'string') throw new NotDerivable('a derived table cannot be followed');
  if (typeof item.db === 'string') throw new NotDerivable(`${item.db}.${item.table} belongs to another database`);
  const table = findTable(catalog, item.table);
  if (table === undefined) throw new NotDerivable(`there is no table ${item.table} in the database`);
  if (table.isView)
    throw new NotDerivable(`${table.name} is a view: a trigger cannot stand on it. Name the tables behind it`);
  const alias = typeof item.as === 'string' ? item.as : item.table;
  const source = { alias, table, scope, read: new Set<string>(), isOptional };
  scope.sources.push(source);
  return source;
}

/** The column a reference means, and notes that it is read. Null for an alias of the select list. */
export function resolveColumn(scope: Scope, node: Node): ColumnRef | null {
  const name = columnName(node);
  const found = typeof node.table === 'string' ? findQualified(scope, node.table, name) : findUnqualified(scope, name);
  if (found === null) {
    if (typeof node.table !== 'string' && isSelectAlias(scope, name)) return null;
    throw noColumn(scope, typeof node.table === 'string' ? node.table : null, name);
  }
  found.source.read.add(found.column.name);
  return found;
}

/** Some versions of the grammar wrap a quoted name. */
export function columnName(node: Node): string {
  const { column } = node as { column?: unknown };
  if (typeof column === 'string') return column;
  const inner = (column as { expr?: { value?: unknown } } | undefined)?.expr?.value;
  return typeof inner === 'string' ? inner : '';
}

function findQualified(scope: Scope, alias: string, name: string): ColumnRef | null {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const source = at.sources.find((each) => each.alias.toLowerCase() === alias.toLowerCase());
    const column = source === undefined ? undefined : findColumn(source.table, name);
    if (source !== undefined) return column === undefined ? null : { source, column };
  }
  return null;
}

function findUnqualified(scope: Scope, name: string): ColumnRef | null {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const found = at.sources.flatMap((source) => {
      const column = findColumn(source.table, name);
      return column === undefined ? [] : [{ source, column }];
    });
    const [first, second] = found;
    if (second !== undefined && first !== undefined) {
      throw new NotDerivable(
        `the column ${name} stands in ${first.source.alias} and in ${second.source.alias}; say which`,
      );
    }
    if (first !== undefined) return first;
    if (at.aliases.has(name.toLowerCase())) return null;
  }
  return null;
}

function noColumn(scope: Scope, alias: string | null, name: string): NotDerivable {
  const sources: Source[] = [];
  for (let at: Scope | null = scope; at !== null; at = at.parent) sources.push(...at.sources);
  const meant = sources.filter((source) => alias === null || source.alias.toLowerCase() === alias.toLowerCase());
  const columns = meant.flatMap(({ table }) => table.columns.map((column) => column.name));
  return new NotDerivable(`there is no column ${alias === null ? '' : `${alias}.`}${name}${didYouMean(name, columns)}`);
}

function isSelectAlias(scope: Scope, name: string): boolean {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at.aliases.has(name.toLowerCase())) return true;
  return false;
}
