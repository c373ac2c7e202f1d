import { functionName } from './hazards.ts';
import { IDS_MARK, isNode, listOf, type Node } from './parse.ts';
import type { QueryReading } from './readQuery.ts';
import { columnName, resolveColumn, type Source } from './scope.ts';

/** The names of the HubSpot properties a query returns: every column but `source_id`. */
export function selectNames(select: Node): string[] {
  return listOf(select.columns)
    .map(outputName)
    .filter((name) => name.toLowerCase() !== 'source_id');
}

function outputName(column: Node): string {
  if (typeof column.as === 'string') return column.as;
  return isNode(column.expr) && column.expr.type === 'column_ref' ? columnName(column.expr) : '';
}

/** What the outer SELECT must be, so that one row is one record whatever other ids are asked for with it. */
export function checkSelect(
  select: Node,
  { root: scope }: QueryReading,
  root: Source,
  key: string,
  fail: (message: string) => void,
): void {
  checkNames(select, fail);
  const isKey = (node: unknown) => {
    if (!isNode(node) || node.type !== 'column_ref') return false;
    const ref = resolveColumn(scope, node);
    return ref?.source === root && ref.column.name.toLowerCase() === key.toLowerCase();
  };
  const id = listOf(select.columns).find((column) => outputName(column).toLowerCase() === 'source_id');
  if (id === undefined) fail('expected a column source_id: the key, under that name');
  else if (!isKey(id.expr)) fail(`source_id is not the key ${root.table.name}.${key}`);
  if (!conjuncts(select.where).some((condition) => isIdsCondition(condition, isKey))) {
    fail(`expected WHERE ${root.alias}.${key} IN (:ids), alone or joined to the rest by AND`);
  }
  if (listOf((select.limit as Node | null)?.value).length > 0) fail('LIMIT would drop records that were asked for');
  checkGroups(select, isKey, fail);
}

function checkNames(select: Node, fail: (message: string) => void): void {
  const names = listOf(select.columns).map(outputName);
  for (const [index, name] of names.entries()) {
    if (name === '') fail(`the column ${index + 1} has no name: give it the HubSpot property's, with AS`);
    else if (!/^[a-z][a-z0-9_]*$/.test(name))
      fail(`${name} is no name of a HubSpot property: lower-case letters, digits and _`);
    if (name !== '' && names.indexOf(name) !== index) fail(`the column ${name} is there twice`);
  }
}

function checkGroups(select: Node, isKey: (node: unknown) => boolean, fail: (message: string) => void): void {
  const groups = listOf((select.groupby as Node | null)?.columns);
  const isById = groups.some(
    (group) => isKey(group) || (group.type === 'column_ref' && columnName(group).toLowerCase() === 'source_id'),
  );
  if (groups.length > 0 && !isById) fail('GROUP BY would join several records in one row: group by the key as well');
  if (groups.length === 0 && [select.columns, select.having, select.orderby].some(hasAggregate))
    fail('an aggregate without GROUP BY joins all records in one row: group by the key');
}

// Aggregates that the grammar takes for ordinary functions.
const AGGREGATES = [
  'any_value',
  'bit_and',
  'bit_or',
  'bit_xor',
  'json_arrayagg',
  'json_objectagg',
  'stddev',
  'stddev_pop',
  'stddev_samp',
  'st_collect',
  'var_pop',
  'var_samp',
];

function hasAggregate(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(hasAggregate);
  if (!isNode(node) || isNode(node.ast)) return false;
  return (
    node.type === 'aggr_func' ||
    AGGREGATES.includes(functionName(node) ?? '') ||
    Object.entries(node).some(([name, value]) => name !== 'loc' && hasAggregate(value))
  );
}

function conjuncts(condition: unknown): Node[] {
  if (!isNode(condition)) return [];
  const isAnd = condition.type === 'binary_expr' && String(condition.operator).toUpperCase() === 'AND';
  return isAnd ? [...conjuncts(condition.left), ...conjuncts(condition.right)] : [condition];
}

function isIdsCondition(condition: Node, isKey: (node: unknown) => boolean): boolean {
  if (String(condition.operator).toUpperCase() !== 'IN' || !isKey(condition.left)) return false;
  const values = listOf((condition.right as Node | undefined)?.value);
  return values.length === 1 && values[0]?.value === IDS_MARK;
}
