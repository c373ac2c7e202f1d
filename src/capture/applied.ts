import { createHash } from 'node:crypto';
import type { ObjectMapping } from '../config/mapping.ts';
import { foldBlanks } from '../config/placeholder.ts';
import { typeId } from '../config/typeId.ts';
import type { Db } from '../database/connect.ts';
import type { Derivation } from './derive.ts';

/** What of an object was applied: all that decides what HubSpot holds for a record, and what its triggers note. */
export type Applied = {
  /** A hash, as `watches` is: both are compared, and never shown. */
  query: string;
  /** HubSpot properties, in the order of the select list. */
  columns: readonly string[];
  key: string;
  type: string;
  matchOn: string;
  whenGone: ObjectMapping['whenGone'];
  timeZone: string;
  watches: string;
};

/** An object as `triggers apply` left it. */
export type Remembered = {
  /** Null when it was never applied. */
  hash: string | null;
  /** Null as well when its triggers were dropped since. */
  applied: Applied | null;
  /** Why it needs a backfill; null when it needs none. */
  reason: string | null;
};

export function appliedOf(object: ObjectMapping, { properties, watches }: Derivation): Applied {
  const noted = watches.map(({ table, columns, note, records, keyKind }) =>
    JSON.stringify([table, columns, note.column, note.kind, records, keyKind]),
  );
  return {
    query: hash(foldBlanks(object.query)),
    columns: properties,
    key: `${object.key.table}.${object.key.column}`,
    type: object.type,
    matchOn: object.matchOn,
    whenGone: object.whenGone,
    timeZone: object.timeZone,
    watches: hash(noted.sort().join('\n')),
  };
}

/** The `query_hash`: of all that decides what HubSpot holds, and not of how changes are noticed. */
export function contentHash({ query, key, type, matchOn, whenGone, timeZone }: Applied): string {
  return hash(JSON.stringify([query, key, typeId(type), matchOn, whenGone, timeZone]));
}

/** In plain words, what may make HubSpot hold something else for a record whose row is as it was. */
export function contentChanges(before: Applied, now: Applied): string[] {
  const added = now.columns.filter((column) => !before.columns.includes(column));
  const query = added.length > 0 ? `the query has new columns: ${added.join(', ')}` : 'the query changed';
  return [
    ...(before.query === now.query ? [] : [query]),
    ...(before.timeZone === now.timeZone ? [] : [turned('time_zone', before.timeZone, now.timeZone)]),
    ...(before.matchOn === now.matchOn ? [] : [turned('match_on', before.matchOn, now.matchOn)]),
    ...(typeId(before.type) === typeId(now.type) ? [] : [turned('type', before.type, now.type)]),
    ...(before.key === now.key ? [] : [turned('key', before.key, now.key)]),
    // What was archived in HubSpot stays so: `keep` is for what goes from now on.
    ...(before.whenGone === now.whenGone || now.whenGone === 'keep'
      ? []
      : [turned('when_gone', before.whenGone, now.whenGone)]),
  ];
}

function turned(name: string, before: string, now: string): string {
  return `${name} was ${before} and is ${now}`;
}

/** By object. */
export async function readApplied(db: Db): Promise<Map<string, Remembered>> {
  const [rows] = await db.raw('SELECT object, query_hash, applied, backfill_reason FROM hubspot_object');
  return new Map(
    (rows as Record<string, string | null>[]).map(({ object, query_hash, applied, backfill_reason }) => [
      object ?? '',
      {
        hash: query_hash ?? null,
        applied: applied == null ? null : (JSON.parse(applied) as Applied),
        reason: backfill_reason ?? null,
      },
    ]),
  );
}

/** The statement that remembers an object as applied, and the backfill it needs. */
export function storeApplied(object: string, applied: Applied, reason: string | null) {
  return {
    sql: `INSERT INTO hubspot_object (object, query_hash, applied, backfill_reason) VALUES (?, ?, ?, ?)
 ON DUPLICATE KEY UPDATE query_hash = VALUES(query_hash), applied = VALUES(applied), backfill_reason = VALUES(backfill_reason)`,
    bindings: [object, contentHash(applied), JSON.stringify(applied), reason],
  };
}

const NO_SUCH_TABLE = 1146;

/** Nothing is applied any more: what changes from now on is not noted. */
export async function forgetApplied(db: Db): Promise<void> {
  try {
    await db.raw('UPDATE hubspot_object SET applied = NULL');
  } catch (error) {
    // Triggers may outlive the outbox.
    if ((error as { errno?: number }).errno !== NO_SUCH_TABLE) throw error;
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
