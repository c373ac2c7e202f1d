import type { Mapping, ObjectMapping } from '../config/mapping.ts';
import type { Db } from '../database/connect.ts';
import { ConfigurationError } from '../errors.ts';
import { type Applied, appliedOf, readApplied } from './applied.ts';
import { backfillReason, type NeededBackfill, refuseOtherRecords } from './backfills.ts';
import { type Catalog, findTable, readCatalog } from './catalog.ts';
import { type Derivation, deriveWatches } from './derive.ts';
import { type Foreign, findForeign } from './foreign.ts';
import { explainByHand } from './indexes.ts';
import {
  type Installed,
  isOurs,
  readBody,
  readInstalled,
  TRIGGER_SQL_MODE,
  takesSeveralTriggers,
} from './installed.ts';
import { NotDerivable, queryTables } from './parse.ts';
import { numberWatches } from './registry.ts';
import { type RegisteredWatch, renderTriggers, type Trigger } from './render.ts';

export type Change =
  | { kind: 'missing'; trigger: Trigger }
  | { kind: 'changed'; trigger: Trigger }
  /** Ours, and no longer wanted. */
  | { kind: 'orphaned'; name: string; table: string };

export type Plan = {
  watches: RegisteredWatch[];
  changes: Change[];
  unchanged: number;
  /** Triggers of others beside ours, or in their way. */
  foreign: Foreign[];
  warnings: string[];
  /** What is remembered once the changes are made. */
  objects: PlannedObject[];
  backfills: NeededBackfill[];
  /** Account whose rights the installed triggers use; none while nothing is installed. */
  definers: string[];
};

export type PlannedObject = { object: string; applied: Applied; backfillReason: string | null };

/**
 * What is watched, and which triggers differ from what is installed. Changes nothing.
 * @throws ConfigurationError with every problem of the mapping
 */
export async function planTriggers(db: Db, mapping: Mapping): Promise<Plan> {
  const { watches, warnings, derivations, catalog } = await deriveAll(db, mapping);
  const numbered = await numberWatches(db, watches);
  const wanted = renderTriggers(numbered, catalog);
  const installed = await readInstalled(db);
  const ours = installed.filter(isOurs);
  const changes = await changesOf(db, wanted, ours);
  const orphaned = ours
    .filter(({ name }) => !wanted.some((trigger) => trigger.name === name))
    .map(({ name, table }): Change => ({ kind: 'orphaned', name, table }));
  const objects = await planObjects(db, mapping.file, derivations);
  return {
    watches: numbered,
    changes: [...changes, ...orphaned],
    unchanged: wanted.length - changes.length,
    foreign: findForeign(wanted, installed, await takesSeveralTriggers(db)),
    warnings: [
      ...warnings,
      ...engineWarnings(
        watches.map(({ table }) => table),
        catalog,
      ),
      ...(await explainByHand(db, watches)),
    ],
    objects,
    backfills: objects.flatMap(({ object, backfillReason: reason }) => (reason === null ? [] : [{ object, reason }])),
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

type Derived = { object: ObjectMapping; derivation: Derivation };

async function planObjects(db: Db, file: string, derivations: readonly Derived[]): Promise<PlannedObject[]> {
  const remembered = await readApplied(db);
  const objects = derivations.map(({ object, derivation }) => {
    const applied = appliedOf(object, derivation);
    return { object: object.name, applied, backfillReason: backfillReason(remembered.get(object.name), applied) };
  });
  await refuseOtherRecords(db, file, objects, remembered);
  return objects;
}

function tablesOf(query: string): string[] {
  try {
    return queryTables(query);
  } catch (error) {
    if (error instanceof NotDerivable) return [];
    throw error;
  }
}

async function changesOf(db: Db, wanted: readonly Trigger[], ours: readonly Installed[]): Promise<Change[]> {
  const changes: Change[] = [];
  for (const trigger of wanted) {
    const there = ours.find(({ name }) => name === trigger.name);
    if (there === undefined) changes.push({ kind: 'missing', trigger });
    else if (!(await isSame(db, trigger, there))) changes.push({ kind: 'changed', trigger });
  }
  return changes;
}

async function isSame(db: Db, { name, table, body }: Trigger, there: Installed): Promise<boolean> {
  if (there.sqlMode !== TRIGGER_SQL_MODE || there.table !== table) return false;
  return squeeze(there.body) === squeeze(body) || squeeze(await readBody(db, name)) === squeeze(body);
}

function squeeze(sql: string): string {
  return sql.replace(/\s+/g, ' ').trim();
}

function engineWarnings(tables: readonly string[], catalog: Catalog): string[] {
  return [...new Set(tables)].flatMap((name) => {
    const engine = findTable(catalog, name)?.engine;
    return engine === 'InnoDB' || engine == null
      ? []
      : [`${name} is ${engine}: its changes are noted although a transaction around them is rolled back`];
  });
}
