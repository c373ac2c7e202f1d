import { createHash } from 'node:crypto';
import type { Mapping } from '../config/mapping.ts';
import type { Db } from '../database/connect.ts';
import type { Derivation } from './derive.ts';

/** An object whose query is new or differs from the one that was backfilled, and why it needs a backfill. */
export type NeededBackfill = { object: string; reason: string };

/** By what the query was when triggers were applied last. */
export async function backfillsNeeded(
  db: Db,
  mapping: Mapping,
  derivations: readonly { derivation: Derivation }[],
): Promise<NeededBackfill[]> {
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
