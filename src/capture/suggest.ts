import type { ObjectMapping } from '../config/mapping.ts';

/** The `watch:` block to write for a table whose way to the record cannot be derived. */
export function suggestWatch({ key }: ObjectMapping, table: string, columns: readonly string[], note: string): string {
  const list = columns.length === 0 ? 'the columns the query reads' : columns.join(', ');
  return [
    'write how a changed row leads to its records:',
    'watch:',
    `  ${table}: { key: ${note}, columns: [${list}], records: "SELECT ${key.column} FROM ${key.table} WHERE … IN (:keys)" }`,
  ].join('\n');
}
