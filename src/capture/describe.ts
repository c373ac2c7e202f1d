import { quoteName, quoteText } from '../keys.ts';
import { storeApplied } from './applied.ts';
import { nameForeign } from './foreign.ts';
import { TRIGGER_SQL_MODE } from './installed.ts';
import type { Change, Plan } from './plan.ts';
import { retireOthers, storeWatch } from './registry.ts';
import type { RegisteredWatch } from './render.ts';

/** A plan in words, and the DDL it would run. */
export function describePlan(plan: Plan): string {
  const objects = [...new Set(plan.watches.map(({ object }) => object))];
  const lines = objects.flatMap((object) => [
    `${object}`,
    ...plan.watches.filter((watch) => watch.object === object).flatMap(describeWatch),
    '',
  ]);
  if (plan.definers.length > 0) {
    lines.push(
      `The triggers run with the rights of ${plan.definers.join(', ')}. Dropping that account would make the application's writes fail.`,
      '',
    );
  }
  if (plan.foreign.length > 0) lines.push('Triggers of others, which stay as they are:', ...describeForeign(plan), '');
  for (const warning of plan.warnings) lines.push(`Note: ${warning}`);
  lines.push(...describeBackfills(plan));
  if (plan.changes.length === 0)
    return [...lines, `Nothing to do: ${plan.unchanged} triggers stand as the mapping asks.`].join('\n');
  lines.push('', `${plan.changes.length} to change, ${plan.unchanged} unchanged:`, '');
  return [
    ...lines,
    ...plan.changes.map((change) => describeChange(change, 'planned')),
    '',
    plan.foreign.some(({ obstacle }) => obstacle !== null)
      ? 'hubspot-outbox triggers apply does none of it while a trigger of others is in the way.'
      : 'hubspot-outbox triggers apply does it.',
  ].join('\n');
}

function describeWatch({ table, columns, note, records, path, isDerived, id }: RegisteredWatch): string[] {
  const way = isDerived ? path.join(', then ') : `by hand: ${path.join()}`;
  const meaning = records === null && path.length === 0 ? 'is the record' : way;
  return [`  ${table} (${columns.join(', ')})`, `    notes ${note.column} as watch ${id}: ${meaning}`];
}

function describeForeign({ foreign }: Plan): string[] {
  return foreign.map((each) => {
    const beside = each.obstacle === null ? 'ours stand beside it' : `in the way: ${each.obstacle}`;
    return `  ${each.table}: ${nameForeign(each)}; ${beside}`;
  });
}

const VERBS = {
  missing: { planned: 'create', done: 'created' },
  changed: { planned: 'replace', done: 'replaced' },
  orphaned: { planned: 'drop', done: 'dropped' },
} as const;

/** One change, with its DDL as long as it is planned. */
export function describeChange(change: Change, state: 'planned' | 'done'): string {
  const verb = VERBS[change.kind][state];
  if (state === 'done') return `${verb} ${change.kind === 'orphaned' ? change.name : change.trigger.name}`;
  return change.kind === 'orphaned' ? `-- ${verb} ${change.name}` : `-- ${verb}\n${change.trigger.create};\n`;
}

export function describeBackfills({ backfills }: Plan): string[] {
  return backfills.map(({ object, reason }) => `${object}: ${reason}. Run: hubspot-outbox backfill ${object}`);
}

/** The plan as a script for the mysql client: what the watches mean, the triggers, then what is remembered of them. */
export function toSqlFile(plan: Plan): string {
  return [
    '-- hubspot-outbox: run with mysql --default-character-set=utf8mb4 DATABASE < this file',
    '-- Where it stops at an error (a busy table), run it again as triggers plan --sql prints it then.',
    // As JSON a name is one line, whatever stands in it.
    ...plan.foreign.map(
      ({ name, table }) => `-- ${JSON.stringify(name)} on ${JSON.stringify(table)} is not ours and stays.`,
    ),
    `SET SESSION sql_mode = '${TRIGGER_SQL_MODE}', lock_wait_timeout = 1;`,
    ...plan.watches.map((watch) => toStatement(storeWatch(watch))),
    ...plan.changes.flatMap(changeStatements),
    ...retireOthers(plan.watches).map((statement) => `${statement};`),
    ...plan.objects.map(({ object, applied, backfillReason }) =>
      toStatement(storeApplied(object, applied, backfillReason)),
    ),
  ].join('\n');
}

/** Nobody writes to the table between the old trigger and the new. */
function changeStatements(change: Change): string[] {
  if (change.kind === 'orphaned') return [`DROP TRIGGER IF EXISTS ${quoteName(change.name)};`];
  const { name, table, create } = change.trigger;
  const made = ['DELIMITER $$', `${create}$$`, 'DELIMITER ;'];
  if (change.kind === 'missing') return made;
  return [
    `LOCK TABLES ${quoteName(table)} WRITE;`,
    `DROP TRIGGER IF EXISTS ${quoteName(name)};`,
    ...made,
    'UNLOCK TABLES;',
  ];
}

function toStatement({ sql, bindings }: { sql: string; bindings: readonly (string | number | null)[] }): string {
  const values = bindings.map((value) => (typeof value === 'string' ? quoteText(value) : String(value ?? 'NULL')));
  return `${sql.replace(/\?/g, () => values.shift() ?? 'NULL')};`;
}
