import { type Catalog, findColumn } from './catalog.ts';
import { refuseHazard } from './hazards.ts';
import { isNode, listOf, type Node, NotDerivable, SKIPPED } from './parse.ts';
import { addSource, type ColumnRef, type Edge, resolveColumn, type Scope, type Source } from './scope.ts';

/** Everything a query reads, and the equalities that lead from one table to another. */
export type QueryReading = { root: Scope; sources: Source[]; edges: Edge[]; warnings: Set<string> };

type Reader = { catalog: Catalog; sources: Source[]; edges: Edge[]; warnings: Set<string> };

/** Where an expression stands: in a filter, FALSE and NULL are one; as a value they are two. */
type Place = 'filter' | 'value';

/** @throws NotDerivable with the first thing that cannot be followed */
export function readQuery(select: Node, catalog: Catalog): QueryReading {
  const reader: Reader = { catalog, sources: [], edges: [], warnings: new Set() };
  const root = readSelect(reader, select, null);
  return { root, sources: reader.sources, edges: reader.edges, warnings: reader.warnings };
}

function readSelect(reader: Reader, select: Node, parent: Scope | null, isExistence = false): Scope {
  refuseShape(select);
  const scope: Scope = { sources: [], parent, aliases: selectAliases(select) };
  const joins = listOf(select.from).map((item) => ({ item, sources: readJoin(reader, scope, item) }));
  for (const { item, sources } of joins) readOn(reader, scope, item, sources);
  for (const { expr } of listOf(select.columns)) {
    // What EXISTS (SELECT * …) selects does not matter.
    if (!(isExistence && isStar(expr))) walk(reader, scope, expr, 'value');
  }
  if (isNode(select.where)) {
    walk(reader, scope, select.where, 'filter');
    for (const [left, right] of equalities(scope, select.where)) addEdges(reader, scope, left, right);
  }
  walk(reader, scope, (select.groupby as Node | null)?.columns, 'value');
  walk(reader, scope, select.having, 'filter');
  walk(reader, scope, select.orderby, 'value');
  return scope;
}

function isStar(expr: unknown): boolean {
  return isNode(expr) && (expr.type === 'star' || (expr.type === 'column_ref' && expr.column === '*'));
}

function refuseShape(select: Node): void {
  if (select.with) throw new NotDerivable('WITH (a common table expression) cannot be followed');
  if (select._next || select.set_op) throw new NotDerivable('UNION cannot be followed');
  if (select.type !== 'select') throw new NotDerivable('only SELECT can be followed');
}

function selectAliases(select: Node): Set<string> {
  return new Set(listOf(select.columns).flatMap(({ as }) => (typeof as === 'string' ? [as.toLowerCase()] : [])));
}

const JOINS = /^(INNER JOIN|CROSS JOIN|STRAIGHT_JOIN|JOIN|LEFT JOIN|LEFT OUTER JOIN)$/i;

/** Adds what an item of FROM names, a table or joins in brackets; returns the tables. */
function readJoin(reader: Reader, scope: Scope, item: Node, isOptional = false): Source[] {
  const join = typeof item.join === 'string' ? item.join : 'JOIN';
  if (!JOINS.test(join)) throw new NotDerivable(`${join} cannot be followed; write it as LEFT JOIN`);
  const isLeft = isOptional || /^LEFT/i.test(join);
  if (Array.isArray(item.expr)) {
    const joins = listOf(item.expr).map((inner) => ({ inner, sources: readJoin(reader, scope, inner, isLeft) }));
    for (const { inner, sources } of joins) readOn(reader, scope, inner, sources);
    return joins.flatMap(({ sources }) => sources);
  }
  const source = addSource(scope, reader.catalog, item, isLeft);
  reader.sources.push(source);
  for (const using of listOf(item.using)) joinUsing(reader, scope, source, String(using.value));
  return [source];
}

function joinUsing(reader: Reader, scope: Scope, source: Source, name: string): void {
  const own = findColumn(source.table, name);
  const others = scope.sources.filter((each) => each !== source && findColumn(each.table, name) !== undefined);
  const [other] = others;
  const column = other === undefined ? undefined : findColumn(other.table, name);
  if (own === undefined || other === undefined || column === undefined || others.length > 1) {
    throw new NotDerivable(`USING (${name}) names no column that stands in just one other table; write it with ON`);
  }
  source.read.add(own.name);
  other.read.add(column.name);
  addEdge(reader, source, { source, column: own }, { source: other, column });
  if (!source.isOptional) addEdge(reader, other, { source: other, column }, { source, column: own });
}

/** In the ON of a LEFT JOIN an equality holds for what is joined, and not for what it is joined to. */
function readOn(reader: Reader, scope: Scope, item: Node, joined: readonly Source[]): void {
  if (!isNode(item.on)) return;
  walk(reader, scope, item.on, 'filter');
  const isLeft = /^LEFT/i.test(String(item.join ?? ''));
  for (const [left, right] of equalities(scope, item.on)) {
    if (isLeft) {
      if (joined.includes(left.source)) addEdge(reader, left.source, left, right);
      if (joined.includes(right.source)) addEdge(reader, right.source, right, left);
    } else addEdges(reader, scope, left, right);
  }
}

/** Column = column, where it must hold: in the conjunction itself, not under OR or NOT. */
function equalities(scope: Scope, condition: Node): [ColumnRef, ColumnRef][] {
  const { operator, left, right } = condition as { operator?: string; left?: Node; right?: Node };
  if (condition.type !== 'binary_expr' || !isNode(left) || !isNode(right)) return [];
  if (operator?.toUpperCase() === 'AND') return [...equalities(scope, left), ...equalities(scope, right)];
  if (operator !== '=' || left.type !== 'column_ref' || right.type !== 'column_ref' || left.collate || right.collate)
    return [];
  const a = resolveColumn(scope, left);
  const b = resolveColumn(scope, right);
  return a === null || b === null || a.source === b.source ? [] : [[a, b]];
}

/** An equality that filters this SELECT's rows: it holds from each of its own tables. */
function addEdges(reader: Reader, scope: Scope, left: ColumnRef, right: ColumnRef): void {
  if (left.source.scope === scope) addEdge(reader, left.source, left, right);
  if (right.source.scope === scope) addEdge(reader, right.source, right, left);
}

function addEdge(reader: Reader, from: Source, own: ColumnRef, other: ColumnRef): void {
  if (own.source !== from || other.source === from) return;
  reader.edges.push({ from, fromColumn: own.column, to: other.source, toColumn: other.column });
}

function walk(reader: Reader, scope: Scope, node: unknown, place: Place): void {
  if (Array.isArray(node)) {
    for (const each of node) walk(reader, scope, each, place);
    return;
  }
  if (!isNode(node)) return;
  refuseHazard(node, reader.catalog, reader.warnings);
  const existence = existenceOf(node);
  if (existence !== null) readSelect(reader, existence, scope, true);
  else if (isNode(node.ast)) readSelect(reader, node.ast, scope);
  else if (node.type === 'select') readSelect(reader, node, scope);
  else if (node.type === 'column_ref') readReference(scope, node);
  else if (node.type === 'binary_expr') readOperator(reader, scope, node, place);
  else walkParts(reader, scope, node);
}

function existenceOf(node: Node): Node | null {
  const name = isNode(node.name) ? listOf(node.name.name).at(-1)?.value : node.operator;
  if (!/^(NOT )?EXISTS$/i.test(String(name ?? ''))) return null;
  const [only] = listOf((node.args as Node | undefined)?.value);
  const inner = only ?? node.expr;
  return isNode(inner) && isNode(inner.ast) ? inner.ast : null;
}

function walkParts(reader: Reader, scope: Scope, node: Node): void {
  for (const [name, value] of Object.entries(node)) if (!SKIPPED.includes(name)) walk(reader, scope, value, 'value');
}

function readReference(scope: Scope, node: Node): void {
  if (node.column === '*') throw new NotDerivable('SELECT * cannot be followed: name the columns');
  resolveColumn(scope, node);
}

function readOperator(reader: Reader, scope: Scope, node: Node, place: Place): void {
  const operator = String(node.operator).toUpperCase();
  const subquery = operator === 'IN' || operator === 'NOT IN' ? soleSubquery(node.right) : null;
  if (subquery !== null) {
    walk(reader, scope, node.left, 'value');
    readIn(reader, scope, node.left, subquery, operator === 'IN' && place === 'filter');
    return;
  }
  const inner = operator === 'AND' || operator === 'OR' ? place : 'value';
  walk(reader, scope, node.left, inner);
  walk(reader, scope, node.right, inner);
}

function soleSubquery(right: unknown): Node | null {
  if (!isNode(right)) return null;
  if (isNode(right.ast)) return right.ast;
  const [only] = listOf(right.value);
  return right.type === 'expr_list' && only !== undefined && isNode(only.ast) ? only.ast : null;
}

/**
 * `x IN (SELECT c …)`: a row behind c matters only to records with x = c. As a value, or negated, NULL in either
 * would matter to others as well.
 */
function readIn(reader: Reader, scope: Scope, left: unknown, select: Node, isFilter: boolean): void {
  const inner = readSelect(reader, select, scope);
  const [column, ...more] = listOf(select.columns);
  if (!isNode(left) || left.type !== 'column_ref' || more.length > 0 || !isNode(column?.expr)) return;
  if (column.expr.type !== 'column_ref' || (select.limit && hasLimit(select))) return;
  const outer = resolveColumn(scope, left);
  const chosen = resolveColumn(inner, column.expr);
  if (outer === null || chosen === null || chosen.source.scope !== inner || !isGroupedByOnly(inner, select, chosen))
    return;
  if (!isFilter && (isMaybeNull(outer) || isMaybeNull(chosen))) {
    throw new NotDerivable(
      `${outer.source.alias}.${outer.column.name} IN (SELECT ${chosen.column.name} …), negated or as a value, also depends on NULLs: write it as EXISTS or NOT EXISTS`,
    );
  }
  addEdge(reader, chosen.source, chosen, outer);
}

function hasLimit(select: Node): boolean {
  return listOf((select.limit as Node | null)?.value).length > 0;
}

function isMaybeNull({ source, column }: ColumnRef): boolean {
  return column.isNullable || source.isOptional;
}

function isGroupedByOnly(scope: Scope, select: Node, chosen: ColumnRef): boolean {
  const columns = listOf((select.groupby as Node | null)?.columns);
  if (columns.length === 0) return !isNode(select.having);
  return columns.some((column) => {
    const ref = column.type === 'column_ref' ? resolveColumn(scope, column) : null;
    return ref?.source === chosen.source && ref.column === chosen.column;
  });
}
