import { randomUUID } from 'node:crypto';
import type { Db } from '../database/connect.ts';
import { insist } from '../database/transact.ts';
import { noteDoubt } from './doubt.ts';
import { FREE } from './due.ts';
import type { DueFloor } from './dueFloor.ts';

/** A row that is ours for the length of a lease. */
export type ClaimedRow = {
  sourceId: string;
  /** As it was when claimed; a settle that finds another leaves the row pending. */
  revision: string;
  attempts: number;
  hubspotId: string | null;
  /** The match value HubSpot last accepted; empty when it was taken from its record, null when it is not known. */
  matchValue: string | null;
  sentProperties: Record<string, string> | null;
  /** A call of this row had no answer. Once it is over HubSpot writes nothing of it any more. */
  doubt: { untilMs: number } | null;
  /** UTC, `YYYY-MM-DD HH:MM:SS.ffffff`. */
  pendingSince: string | null;
};

export type Claim = {
  object: string;
  /** Stands in `claimed_by`; unique to this claim, and starts with the worker's id. */
  token: string;
  rows: ClaimedRow[];
  /** As many were due as were asked for. */
  mayBeMore: boolean;
  leaseMs: number;
  /** How long after a call without an answer HubSpot may still write what it held. */
  lateWriteMs: number;
  /** The longest statement the server takes. */
  packetBytes: number;
  /** By this machine's monotonic clock (`performance.now()`): after it the claim must not be used. */
  expiresAt: number;
};

/** `fresh`: what came singly before what came in a mass change; `oldest`: what has waited longest, so that neither starves. */
export type ClaimOrder = 'fresh' | 'oldest';

type ClaimOptions = {
  workerId: string;
  limit: number;
  leaseMs: number;
  order: ClaimOrder;
  lateWriteMs: number;
  /** What earlier looks for due rows of the object have shown. */
  floor: DueFloor;
};

/** Claims up to `limit` due rows of an object; no lock is held afterwards. Another worker may win some of them. */
export async function claim(db: Db, object: string, options: ClaimOptions): Promise<Claim> {
  const { workerId, limit, leaseMs, order, lateWriteMs, floor } = options;
  const token = `${workerId}:${randomUUID().slice(0, 13)}`;
  for (let attempt = 1; ; attempt += 1) {
    const claimed = { object, token, leaseMs, lateWriteMs, expiresAt: performance.now() + leaseMs };
    const due = await findDue(db, object, limit, order, floor);
    const mayBeMore = due.length === limit;
    if (due.length === 0) return { ...claimed, packetBytes: LEAST_PACKET_BYTES, mayBeMore, rows: [] };
    const ids = due.map(({ source_id }) => source_id);
    // A claim that nobody settled: its worker died, and the call it had under way may be written yet.
    const lapsed = due.filter(({ claimed_by }) => claimed_by !== null).map(({ source_id }) => source_id);
    await noteDoubt(db, object, lapsed, lateWriteMs);
    await insist(() => take(db, object, ids, token, leaseMs));
    const { rows, packetBytes } = await readClaimed(db, object, ids, token);
    // Somebody else claimed all of them at the same moment; there may be more.
    if (rows.length === 0 && attempt < ATTEMPTS) continue;
    return { ...claimed, packetBytes, mayBeMore, rows };
  }
}

const ATTEMPTS = 10;
const LEAST_PACKET_BYTES = 1_048_576;

type Due = { source_id: string; claimed_by: string | null; age_us: string | number };

async function findDue(db: Db, object: string, limit: number, order: ClaimOrder, floor: DueFloor): Promise<Due[]> {
  const at = performance.now();
  const withinMs = floor.withinMs(at);
  const isOldest = order === 'oldest';
  const since = withinMs === null ? '' : 'AND due_at > UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND';
  // Two ranges of one index, read in its order: no row more than is asked for.
  const inOrder = isOldest ? 'ORDER BY due_at' : 'AND bulk IN (0, 1) ORDER BY bulk, due_at';
  const [rows = []] = (await db.raw(
    `SELECT source_id, claimed_by, TIMESTAMPDIFF(MICROSECOND, due_at, UTC_TIMESTAMP(6)) AS age_us
     FROM hubspot_data FORCE INDEX (${isOldest ? 'oldest' : 'due'})
     WHERE object = ? AND status = 'pending' AND due_at <= UTC_TIMESTAMP(6) ${since} AND ${FREE} ${inOrder} LIMIT ?`,
    [object, ...(withinMs === null ? [] : [Math.ceil(withinMs * 1_000)]), limit],
  )) as [Due[]?];
  const [first] = rows;
  floor.looked({
    at,
    tookMs: performance.now() - at,
    isThorough: withinMs === null && (isOldest || rows.length < limit),
    oldestAgeMs: first === undefined ? 0 : isOldest ? Number(first.age_us) / 1_000 : null,
  });
  return rows;
}

/** What HubSpot holds of a row whose claim lapsed is not known: it is forgotten, so that it is sent whole. */
async function take(
  db: Db,
  object: string,
  sourceIds: readonly string[],
  token: string,
  leaseMs: number,
): Promise<void> {
  await db.raw(
    `UPDATE hubspot_data FORCE INDEX (PRIMARY)
     SET sent_properties = IF(claimed_by IS NULL, sent_properties, NULL),
         match_value = IF(claimed_by IS NULL, match_value, NULL),
         claimed_by = ?, claimed_until = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND
     WHERE object = ? AND source_id IN (${marks(sourceIds)}) AND status = 'pending' AND due_at <= UTC_TIMESTAMP(6)
       AND ${FREE}`,
    [token, leaseMs * 1_000, object, ...[...sourceIds].sort()],
  );
}

/** Makes a claim last for another lease from now, for the rows that are still ours. */
export async function renew(db: Db, claim: Claim): Promise<void> {
  const { object, token, leaseMs, rows } = claim;
  const expiresAt = performance.now() + leaseMs;
  const ids = rows.map(({ sourceId }) => sourceId).sort();
  await insist(() =>
    db.raw(
      `UPDATE hubspot_data FORCE INDEX (PRIMARY) SET claimed_until = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND
       WHERE object = ? AND source_id IN (${marks(ids)}) AND claimed_by = ? AND claimed_until > UTC_TIMESTAMP(6)`,
      [leaseMs * 1_000, object, ...ids, token],
    ),
  );
  claim.expiresAt = expiresAt;
}

async function readClaimed(
  db: Db,
  object: string,
  sourceIds: readonly string[],
  token: string,
): Promise<{ rows: ClaimedRow[]; packetBytes: number }> {
  const [rows] = await db.raw(
    `SELECT d.source_id, d.revision, d.attempts, d.hubspot_id, d.match_value, d.sent_properties, d.pending_since,
            TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), u.until_at) AS doubt_us,
            @@max_allowed_packet AS packet_bytes
     FROM hubspot_data d FORCE INDEX (PRIMARY)
     LEFT JOIN hubspot_doubt u ON u.object = d.object AND u.source_id = d.source_id
     WHERE d.object = ? AND d.source_id IN (${marks(sourceIds)}) AND d.claimed_by = ?`,
    [object, ...sourceIds, token],
  );
  const byId = new Map((rows as Record<string, string | null>[]).map((row) => [row.source_id, row]));
  const claimed = sourceIds.flatMap((id) => {
    const row = byId.get(id);
    return row === undefined ? [] : [toClaimed(row)];
  });
  return { rows: claimed, packetBytes: Number(rows[0]?.packet_bytes ?? LEAST_PACKET_BYTES) };
}

function toClaimed(row: Record<string, string | null>): ClaimedRow {
  return {
    sourceId: String(row.source_id),
    revision: String(row.revision),
    attempts: Number(row.attempts),
    hubspotId: row.hubspot_id ?? null,
    matchValue: row.match_value ?? null,
    sentProperties: readProperties(row.sent_properties ?? null),
    doubt: row.doubt_us == null ? null : { untilMs: performance.now() + Number(row.doubt_us) / 1_000 },
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
