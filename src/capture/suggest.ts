import type { ObjectMapping } from '../config/mapping.ts';

type Open = { table: string; note?: string; columns?: readonly string[] };

/** The `watch:` block to write for tables whose way to the record cannot be derived. */
export function suggestWatch({ key }: ObjectMapping, tables: readonly Open[]): string {
  const lines = tables.map(({ table, note = 'id', columns = [] }) => {
    const list = columns.length === 0 ? 'the columns the query reads' : columns.join(', ');
    const isRoot = table.toLowerCase() === key.table.toLowerCase();
    const where = isRoot ? key.column : '…';
    return `  ${table}: { key: ${isRoot ? key.column : note}, columns: [${list}], records: "SELECT ${key.column} FROM ${key.table} WHERE ${where} IN (:keys)" }`;
  });
  return ['write how a changed row leads to its records:', 'watch:', ...lines].join('\n');
}
