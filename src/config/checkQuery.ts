import { bareCode, blankComments, placeholderNames, withoutComments } from './placeholder.ts';

// Reading a record must leave no trace in the application's database, not even a lock.
const TOUCHES: { pattern: RegExp; why: string }[] = [
  { pattern: /\bfor\s+(?:update|share)\b/i, why: "FOR UPDATE and FOR SHARE lock the application's rows" },
  { pattern: /\block\s+in\s+share\s+mode\b/i, why: "LOCK IN SHARE MODE locks the application's rows" },
  { pattern: /\binto\s+(?:outfile|dumpfile|@)/i, why: 'INTO writes the result elsewhere' },
  { pattern: /\bprocedure\s+analyse\b/i, why: 'PROCEDURE ANALYSE returns no records' },
];

/** What is wrong with the SELECT that a user wrote, by its text alone; `placeholder` must stand in it once. */
export function checkQuery(sql: string, placeholder: 'ids' | 'keys'): string[] {
  const code = bareCode(sql).trim();
  if (!/^\(*\s*(?:select|with)\b/i.test(code)) {
    return [`expected a SELECT, got ${JSON.stringify(code.split(/\s+/, 2).join(' ').slice(0, 60))}`];
  }
  const problems = TOUCHES.filter(({ pattern }) => pattern.test(code)).map(({ why }) => `${why}: take it out`);
  if (code.includes(';')) problems.push('expected one SELECT, found a second statement after the semicolon');
  const names = placeholderNames(sql);
  const unknown = [...new Set(names.filter((name) => name !== placeholder))];
  for (const name of unknown) problems.push(`:${name} is no placeholder here; the only one is :${placeholder}`);
  const times = names.length - names.filter((name) => name !== placeholder).length;
  if (times !== 1) {
    const counted = times === 0 ? 'it is nowhere outside strings and comments' : `found it ${times} times`;
    problems.push(`expected :${placeholder} once, as in WHERE id IN (:${placeholder}); ${counted}`);
  }
  return problems;
}

/** Whether a column of this name may be in the result; whether it is the key is seen once the tables are known. */
export function namesColumn(sql: string, column: string): boolean {
  return new RegExp(`\\b${column}\\b`, 'i').test(withoutComments(sql));
}

/** Without the semicolon and the comments a query may end with: more SQL can follow it. */
export function trimQuery(sql: string): string {
  return sql.slice(0, blankComments(sql).replace(/[\s;]+$/, '').length);
}
