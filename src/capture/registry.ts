import { createHash } from 'node:crypto';
import type { Db, Trx } from '../database/connect.ts';
import type { ResolvableWatch } from '../outbox/fold.ts';
import type { RegisteredWatch } from './render.ts';
import type { Watch } from './watch.ts';

type StoredWatch = { id: number; fingerprint: string };

/**
 * The watches with the ids their marks carry: a watch whose meaning is stored keeps its id, a new one is given the next.
 * Changes nothing, so that a plan shows the very triggers that will be made.
 */
export async function numberWatches(db: Trx, watches: readonly Watch[]): Promise<RegisteredWatch[]> {
  const [rows] = await db.raw('SELECT id, fingerprint FROM hubspot_watch');
  const stored = (rows as StoredWatch[]).map(({ id, fingerprint }) => ({ id: Number(id), fingerprint }));
  const ids = new Map(stored.map(({ id, fingerprint }) => [fingerprint, id]));
  let next = Math.max(0, ...ids.values()) + 1;
  return watches.map((watch) => {
    const fingerprint = fingerprintOf(watch);
    const id = ids.get(fingerprint) ?? next++;
    ids.set(fingerprint, id);
    return { ...watch, id };
  });
}

/** The statement that stores a watch, where it is not stored yet. */
export function storeWatch(watch: RegisteredWatch): { sql: string; bindings: (string | number)[] } {
  const { columns: _, ...definition } = watch;
  return {
    sql: `INSERT IGNORE INTO hubspot_watch (id, object, table_name, fingerprint, definition, created_at) VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(6))`,
    bindings: [watch.id, watch.object, watch.table, fingerprintOf(watch), JSON.stringify(definition)],
  };
}

/** The statements that say which watches are in use; the others are kept for the marks that may still refer to them. */
export function retireOthers(watches: readonly RegisteredWatch[]): string[] {
  const ids = watches.map(({ id }) => id).join(', ') || '0';
  return [
    `UPDATE hubspot_watch SET retired_at = UTC_TIMESTAMP(6) WHERE retired_at IS NULL AND id NOT IN (${ids})`,
    `UPDATE hubspot_watch SET retired_at = NULL WHERE id IN (${ids})`,
  ];
}

/** What every watch means that a mark may refer to, also those of earlier mappings. */
export async function loadWatches(db: Db): Promise<Map<number, ResolvableWatch>> {
  const [rows] = await db.raw('SELECT id, object, definition FROM hubspot_watch');
  return new Map(
    (rows as { id: number; object: string; definition: string }[]).map((row) => [Number(row.id), toResolvable(row)]),
  );
}

function toResolvable({ id, object, definition }: { id: number; object: string; definition: string }): ResolvableWatch {
  const { note, records, keyKind } = JSON.parse(definition) as Watch;
  return { id: Number(id), object, keyKind, noteKind: note.kind, records };
}

/** What a watch means: not which columns it looks at, which only its trigger needs to know. */
function fingerprintOf({ object, table, note, records, keyKind }: Watch): string {
  return createHash('sha256')
    .update(JSON.stringify([object, table, note.column, note.kind, records, keyKind]))
    .digest('hex');
}
