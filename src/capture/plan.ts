import { createHash } from 'node:crypto';
import type { Mapping } from '../config/mapping.ts';
import type { Db } from '../database/connect.ts';
import { ConfigurationError } from '../errors.ts';
import { type Catalog, findTable, readCatalog } from './catalog.ts';
import { type Derivation, deriveWatches } from './derive.ts';
import { NotDerivable, queryTables } from './parse.ts';
import { numberWatches } from './registry.ts';
import { LABEL, type RegisteredWatch, renderTriggers, type Trigger, type TriggerEvent } from './render.ts';

export type Installed = {
  name: string;
  table: string;
  event: TriggerEvent;
  timing: string;
  body: string;
  definer: string;
  sqlMode: string;
};

export type Change =
  | { kind: 'missing'; trigger: Trigger }
  | { kind: 'changed'; trigger: Trigger }
  /** Ours, and no longer wanted. */
  | { kind: 'orphaned'; name: string; table: string };

export type Plan = {
  watches: RegisteredWatch[];
  changes: Change[];
  unchanged: number;
  warnings: string[];
  /** Objects whose query is new or differs from the one that was backfilled, and why they need a backfill. */
  backfills: { object: string; reason: string }[];
  /** Account whose rights the installed triggers use; none while nothing is installed. */
  definers: string[];
};

/** The mode our triggers are made in; it is stored with them and rules their statements. */
export const TRIGGER_SQL_MODE = 'STRICT_ALL_TABLES';

/**
 * What is watched, and which triggers differ from what is installed. Changes nothing.
 * @throws ConfigurationError with every problem of the mapping, or when the application's own triggers leave no room
 */
export async function planTriggers(db: Db, mapping: Mapping): Promise<Plan> {
  const { watches, warnings, derivations, catalog } = await deriveAll(db, mapping);
  const numbered = await numberWatches(db, watches);
  const wanted = renderTriggers(numbered, catalog);
  const installed = await readInstalled(db);
  await refuseForeign(db, mapping.file, wanted, installed);
  const ours = installed.filter(isOurs);
  const changes = wanted.flatMap((trigger) => changeOf(trigger, ours));
  const orphaned = ours
    .filter(({ name }) => !wanted.some((trigger) => trigger.name === name))
    .map(({ name, table }): Change => ({ kind: 'orphaned', name, table }));
  return {
    watches: numbered,
    changes: [...changes, ...orphaned],
    unchanged: wanted.length - changes.length,
    warnings: [
      ...warnings,
      ...engineWarnings(
        watches.map(({ table }) => table),
        catalog,
      ),
    ],
    backfills: await backfillsNeeded(db, mapping, derivations),
    definers: [...new Set(ours.map(({ definer }) => definer))],
  };
}

/** The watches of all objects. @throws ConfigurationError */
export async function deriveAll(db: Db, mapping: Mapping) {
  const catalog = await readCatalog(
    db,
    mapping.objects.flatMap((object) => [
      object.key.table,
      ...object.watch.map(({ table }) => table),
      ...tablesOf(object.query),
    ]),
  );
  const derivations = mapping.objects.map((object) => ({ object, derivation: deriveWatches(object, catalog) }));
  const problems = derivations.flatMap(({ derivation }) => derivation.problems);
  if (problems.length > 0) {
    throw new ConfigurationError(`${mapping.file} does not fit the database`, { code: 'MAPPING_DATABASE', problems });
  }
  const warnings = derivations.flatMap(({ object, derivation }) =>
    derivation.warnings.map((warning) => `${object.name}: ${warning}`),
  );
  return { watches: derivations.flatMap(({ derivation }) => derivation.watches), warnings, derivations, catalog };
}

function tablesOf(query: string): string[] {
  try {
    return queryTables(query);
  } catch (error) {
    if (error instanceof NotDerivable) return [];
    throw error;
  }
}

export async function readInstalled(db: Db): Promise<Installed[]> {
  const [rows] = await db.raw(
    `SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS table_name, EVENT_MANIPULATION AS event, ACTION_TIMING AS timing,
            ACTION_STATEMENT AS body, DEFINER AS definer, SQL_MODE AS sql_mode
     FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()`,
  );
  return (rows as Record<string, string>[]).map((row) => ({
    name: row.name ?? '',
    table: row.table_name ?? '',
    event: (row.event ?? 'INSERT') as TriggerEvent,
    timing: row.timing ?? '',
    body: row.body ?? '',
    definer: row.definer ?? '',
    sqlMode: row.sql_mode ?? '',
  }));
}

export function isOurs({ name, body }: Installed): boolean {
  return name.startsWith('hubspot_') && body.trimStart().startsWith(LABEL);
}

function changeOf(trigger: Trigger, ours: readonly Installed[]): Change[] {
  const there = ours.find(({ name }) => name === trigger.name);
  if (there === undefined) return [{ kind: 'missing', trigger }];
  const isSame =
    squeeze(there.body) === squeeze(trigger.body) &&
    there.sqlMode === TRIGGER_SQL_MODE &&
    there.table === trigger.table;
  return isSame ? [] : [{ kind: 'changed', trigger }];
}

function squeeze(sql: string): string {
  return sql.replace(/\s+/g, ' ').trim();
}

/** Old servers take one trigger a table, time and event, and a name is taken once. */
async function refuseForeign(
  db: Db,
  file: string,
  wanted: readonly Trigger[],
  installed: readonly Installed[],
): Promise<void> {
  const takesSeveral = await takesSeveralTriggers(db);
  const problems = wanted.flatMap((trigger) => {
    const foreign = installed.filter((each) => !isOurs(each));
    const named = foreign.find(({ name }) => name === trigger.name);
    if (named !== undefined)
      return [{ where: trigger.table, message: `a trigger named ${trigger.name} is there, and not ours: rename it` }];
    const other = foreign.find(
      ({ table, event, timing }) => table === trigger.table && event === trigger.event && timing === 'AFTER',
    );
    if (takesSeveral || other === undefined) return [];
    return [
      {
        where: trigger.table,
        message: `the application's trigger ${other.name} stands AFTER ${trigger.event}, and this server takes one: add what this command prints with --sql to it, or upgrade to MySQL 5.7 or MariaDB 10.2`,
      },
    ];
  });
  if (problems.length > 0)
    throw new ConfigurationError(`the triggers for ${file} find no room`, { code: 'FOREIGN_TRIGGER', problems });
}

/** MySQL since 5.7.2, MariaDB since 10.2.3. */
export async function takesSeveralTriggers(db: Db): Promise<boolean> {
  const { isMariaDb, number } = await readVersion(db);
  return number >= (isMariaDb ? 100_203 : 50_702);
}

export async function readVersion(db: Db): Promise<{ isMariaDb: boolean; number: number }> {
  const [[row]] = await db.raw('SELECT VERSION() AS version');
  const text = String(row.version);
  const [major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(text.replace(/^5\.5\.5-/, '')) ?? [])
    .slice(1)
    .map(Number);
  return { isMariaDb: /mariadb/i.test(text), number: major * 10_000 + minor * 100 + patch };
}

function engineWarnings(tables: readonly string[], catalog: Catalog): string[] {
  return [...new Set(tables)].flatMap((name) => {
    const engine = findTable(catalog, name)?.engine;
    return engine === 'InnoDB' || engine == null
      ? []
      : [`${name} is ${engine}: its changes are noted although a transaction around them is rolled back`];
  });
}

/** By what the query was when triggers were applied last. */
async function backfillsNeeded(
  db: Db,
  mapping: Mapping,
  derivations: readonly { derivation: Derivation }[],
): Promise<Plan['backfills']> {
  const [rows] = await db.raw('SELECT object, query_hash, query_columns, backfill_reason FROM hubspot_object');
  const stored = new Map((rows as Record<string, string | null>[]).map((row) => [row.object, row]));
  return mapping.objects.flatMap((object, index) => {
    const row = stored.get(object.name);
    const reason = backfillReason(row, queryHash(object.query), derivations[index]?.derivation.properties ?? []);
    return reason === null ? [] : [{ object: object.name, reason }];
  });
}

function backfillReason(
  row: Record<string, string | null> | undefined,
  hash: string,
  columns: readonly string[],
): string | null {
  if (row?.query_hash == null) return 'never backfilled';
  if (row.query_hash === hash) return row.backfill_reason ?? null;
  const known = JSON.parse(row.query_columns ?? '[]') as string[];
  const added = columns.filter((column) => !known.includes(column));
  return added.length > 0 ? `the query has new columns: ${added.join(', ')}`.slice(0, 255) : 'the query changed';
}

export function queryHash(query: string): string {
  return createHash('sha256').update(query.replace(/\s+/g, ' ').trim()).digest('hex');
}
