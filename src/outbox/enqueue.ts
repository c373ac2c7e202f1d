import type { Trx } from '../database/connect.ts';
import { quoteText } from '../keys.ts';

/** A record to be looked at. `since` is when its change was noted (UTC, `YYYY-MM-DD HH:MM:SS.ffffff`). */
export type Wanted = { sourceId: string; isBulk: boolean; since: string | null };

const ROWS_A_STATEMENT = 1_000;

/**
 * Life of a row in `hubspot_data`:
 *
 *   (none) ──enqueue──▶ pending ──claim──▶ pending, claimed ──settle──▶ synced │ poison │ gone
 *                          ▲                     │                          │
 *                          ├─────── settle later, lease expired ◀┘          │
 *                          └──────────── enqueue, poison retry ◀────────────┘
 *
 * `revision` counts what was noted: a settle whose claim saw an earlier revision leaves the row pending.
 * A claim is a lease: until `claimed_until` nobody else finds the row due. It leaves `due_at` alone, so that nothing moves
 * in the indexes.
 */
export async function enqueue(trx: Trx, object: string, wanted: readonly Wanted[]): Promise<void> {
  const sorted = [...wanted].sort((a, b) => (a.sourceId < b.sourceId ? -1 : 1));
  for (let from = 0; from < sorted.length; from += ROWS_A_STATEMENT) {
    await enqueueRows(trx, object, sorted.slice(from, from + ROWS_A_STATEMENT));
  }
}

// Assignments are evaluated in order, so `status` changes last: all above it ask what it was. A row that is pending
// keeps its place in the queue, or one that changes every second would never be sent while there is a backlog.
const ON_DUPLICATE = `
  revision = revision + 1,
  bulk = IF(status = 'pending', LEAST(bulk, VALUES(bulk)), VALUES(bulk)),
  due_at = IF(status <> 'pending', UTC_TIMESTAMP(6), LEAST(due_at, UTC_TIMESTAMP(6))),
  pending_since = IF(status = 'pending', COALESCE(pending_since, VALUES(pending_since)), VALUES(pending_since)),
  attempts = IF(status = 'pending', attempts, 0),
  error_code = IF(status = 'poison', NULL, error_code),
  error_property = IF(status = 'poison', NULL, error_property),
  error_value = IF(status = 'poison', NULL, error_value),
  error_message = IF(status = 'poison', NULL, error_message),
  error_correlation_id = IF(status = 'poison', NULL, error_correlation_id),
  error_properties = IF(status = 'poison', NULL, error_properties),
  failed_at = IF(status = 'poison', NULL, failed_at),
  updated_at = UTC_TIMESTAMP(6),
  status = 'pending'`;

async function enqueueRows(trx: Trx, object: string, wanted: readonly Wanted[]): Promise<void> {
  const row = `(?, ?, 'pending', 1, ?, UTC_TIMESTAMP(6), COALESCE(?, UTC_TIMESTAMP(6)), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`;
  const bindings = wanted.flatMap(({ sourceId, isBulk, since }) => [object, sourceId, isBulk ? 1 : 0, since]);
  await trx.raw(
    `INSERT INTO hubspot_data (object, source_id, status, revision, bulk, due_at, pending_since, created_at, updated_at)
     VALUES ${wanted.map(() => row).join(', ')}
     ON DUPLICATE KEY UPDATE ${ON_DUPLICATE}`,
    bindings as string[],
  );
}

/** Sets of an UPDATE that makes settled rows due again: as though a change had been noted, and singly. */
export const DUE_AGAIN = `status = 'pending', revision = revision + 1, bulk = 0, attempts = 0, due_at = UTC_TIMESTAMP(6),
  pending_since = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6)`;

/** Enqueues what a SELECT of ids (`id`, as text) returns, without their passing through here. As mass changes. */
export async function enqueueSelected(trx: Trx, object: string, select: string): Promise<void> {
  // In the order of the primary key, as everybody enqueues, so that nobody waits for each other crosswise.
  await trx.raw(
    `INSERT INTO hubspot_data (object, source_id, status, revision, bulk, due_at, pending_since, created_at, updated_at)
     SELECT ${quoteText(object)}, s.id, 'pending', 1, 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
     FROM (${select}) s ORDER BY s.id
     ON DUPLICATE KEY UPDATE ${ON_DUPLICATE}`,
  );
}
