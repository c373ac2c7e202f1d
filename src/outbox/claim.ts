import { randomUUID } from 'node:crypto';
import type { Db } from '../database/connect.ts';
import { insist } from '../database/transact.ts';

/** A row that is ours for the length of a lease. */
export type ClaimedRow = {
  sourceId: string;
  /** As it was when claimed; a settle that finds another leaves the row pending. */
  revision: string;
  attempts: number;
  hubspotId: string | null;
  /** The match value HubSpot last accepted. */
  matchValue: string | null;
  sentProperties: Record<string, string> | null;
  /** UTC, `YYYY-MM-DD HH:MM:SS.ffffff`. */
  pendingSince: string | null;
};

export type Claim = {
  object: string;
  /** Stands in `claimed_by`; unique to this claim, and starts with the worker's id. */
  token: string;
  rows: ClaimedRow[];
  /** By this machine's monotonic clock (`performance.now()`): after it the claim must not be used. */
  expiresAt: number;
};

/** `fresh`: what came singly before what came in a mass change; `oldest`: what has waited longest, so that neither starves. */
export type ClaimOrder = 'fresh' | 'oldest';

/** Claims up to `limit` due rows of an object; no lock is held afterwards. Another worker may win some of them. */
export async function claim(
  db: Db,
  object: string,
  { workerId, limit, leaseMs, order }: { workerId: string; limit: number; leaseMs: number; order: ClaimOrder },
): Promise<Claim> {
  const token = `${workerId}:${randomUUID().slice(0, 13)}`;
  for (let attempt = 1; ; attempt += 1) {
    const expiresAt = performance.now() + leaseMs;
    const ids = await findDue(db, object, limit, order);
    if (ids.length === 0) return { object, token, rows: [], expiresAt };
    await insist(() => take(db, object, ids, token, leaseMs));
    const rows = await readClaimed(db, object, ids, token);
    // Somebody else claimed all of them at the same moment; there may be more.
    if (rows.length === 0 && attempt < ATTEMPTS) continue;
    return { object, token, rows, expiresAt };
  }
}

const ATTEMPTS = 10;

async function findDue(db: Db, object: string, limit: number, order: ClaimOrder): Promise<string[]> {
  if (order === 'oldest') {
    return ids(await db.raw(`${DUE('oldest')} ORDER BY due_at LIMIT ?`, [object, limit]));
  }
  const fresh = ids(await db.raw(`${DUE('due')} AND bulk = 0 ORDER BY due_at LIMIT ?`, [object, limit]));
  if (fresh.length === limit) return fresh;
  const bulk = ids(await db.raw(`${DUE('due')} AND bulk = 1 ORDER BY due_at LIMIT ?`, [object, limit - fresh.length]));
  return [...fresh, ...bulk];
}

const DUE = (index: string) =>
  `SELECT source_id FROM hubspot_data FORCE INDEX (${index})
   WHERE object = ? AND status = 'pending' AND due_at <= UTC_TIMESTAMP(6)`;

function ids([rows = []]: { source_id: string }[][]): string[] {
  return rows.map(({ source_id }) => source_id);
}

async function take(
  db: Db,
  object: string,
  sourceIds: readonly string[],
  token: string,
  leaseMs: number,
): Promise<void> {
  const until = 'UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND';
  await db.raw(
    `UPDATE hubspot_data FORCE INDEX (PRIMARY)
     SET claimed_by = ?, claimed_until = ${until}, due_at = ${until}
     WHERE object = ? AND source_id IN (${marks(sourceIds)}) AND status = 'pending' AND due_at <= UTC_TIMESTAMP(6)`,
    [token, leaseMs * 1_000, leaseMs * 1_000, object, ...[...sourceIds].sort()],
  );
}

async function readClaimed(db: Db, object: string, sourceIds: readonly string[], token: string): Promise<ClaimedRow[]> {
  const [rows] = await db.raw(
    `SELECT source_id, revision, attempts, hubspot_id, match_value, sent_properties, pending_since
     FROM hubspot_data FORCE INDEX (PRIMARY) WHERE object = ? AND source_id IN (${marks(sourceIds)}) AND claimed_by = ?`,
    [object, ...sourceIds, token],
  );
  const byId = new Map((rows as Record<string, string | null>[]).map((row) => [row.source_id, row]));
  return sourceIds.flatMap((id) => {
    const row = byId.get(id);
    return row === undefined ? [] : [toClaimed(row)];
  });
}

function toClaimed(row: Record<string, string | null>): ClaimedRow {
  return {
    sourceId: String(row.source_id),
    revision: String(row.revision),
    attempts: Number(row.attempts),
    hubspotId: row.hubspot_id ?? null,
    matchValue: row.match_value ?? null,
    sentProperties: readProperties(row.sent_properties ?? null),
    pendingSince: row.pending_since ?? null,
  };
}

/** People may edit the outbox by hand: what is no JSON counts as never sent. */
function readProperties(text: string | null): Record<string, string> | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    return null;
  }
}

function marks(list: readonly unknown[]): string {
  return list.map(() => '?').join(', ');
}
