import { backoffMs } from '../hubspot/backoff.ts';
import type { Refused } from '../hubspot/confirm.ts';
import type { Delivery } from '../hubspot/deliver.ts';
import type { ClaimedRow } from '../outbox/claim.ts';
import type { Outcome } from '../outbox/settle.ts';
import type { Candidate, Refusal } from './sortOut.ts';

/** A record that makes HubSpot fail is rare: when several seem to, HubSpot is in trouble, and nobody is blamed. */
const MOST_CRASHING = 3;

/**
 * How every candidate of a delivery ended. Pure but for the jitter.
 * @param faults answers in a row with which HubSpot failed, before this delivery
 */
export function outcomesOf(delivery: Delivery, candidates: readonly Candidate[], faults: number): Outcome[] {
  const byId = new Map(candidates.map((candidate) => [candidate.row.sourceId, candidate]));
  const ended = new Map<string, Outcome>();
  for (const { sourceId, hubspotId } of delivery.delivered) {
    const candidate = byId.get(sourceId);
    if (candidate === undefined) continue;
    const { matchValue, properties } = candidate;
    ended.set(sourceId, { kind: 'synced', sourceId, hubspotId, matchValue, properties });
  }
  const sent = (refused: Refused) => byId.get(refused.sourceId)?.properties;
  for (const refused of delivery.refused) ended.set(refused.sourceId, toPoison(refused, sent(refused)));
  if (delivery.crashing.length <= MOST_CRASHING) {
    for (const refused of delivery.crashing)
      ended.set(refused.sourceId, { ...toPoison(refused, sent(refused)), doubt: 'late' });
  }
  const waiting = candidates.filter(({ row }) => !ended.has(row.sourceId));
  // One jitter for all: what failed together comes back in one call.
  const jitter = Math.random();
  const backoff = (failures: number, atLeastMs = 0) => backoffMs(failures, atLeastMs, () => jitter);
  return [...ended.values(), ...waiting.map(({ row }) => waitingOutcome(row, delivery, faults, backoff))];
}

function waitingOutcome(
  { sourceId, attempts }: ClaimedRow,
  delivery: Delivery,
  faults: number,
  backoff: (failures: number, atLeastMs?: number) => number,
): Outcome {
  const { stop, unknown, doubtful, crashing, missing } = delivery;
  if (missing.includes(sourceId)) return { kind: 'later', sourceId, delayMs: 0, countsAttempt: false };
  const atLeastMs = stop?.kind === 'fault' ? stop.atLeastMs : 0;
  const isDoubtful = doubtful.includes(sourceId) || crashing.some((each) => each.sourceId === sourceId);
  if (isDoubtful)
    return { kind: 'later', sourceId, delayMs: backoff(faults, atLeastMs), countsAttempt: false, doubt: 'late' };
  if (unknown.includes(sourceId))
    return { kind: 'later', sourceId, delayMs: backoff(attempts), countsAttempt: true, doubt: 'sent' };
  const delayMs = stop?.kind === 'fault' ? backoff(faults, atLeastMs) : 1_000;
  return { kind: 'later', sourceId, delayMs, countsAttempt: false };
}

export function toPoison(
  { sourceId, code, property, value, message, correlationId }: Refusal | Refused,
  properties?: Record<string, string>,
): Extract<Outcome, { kind: 'poison' }> {
  return { kind: 'poison', sourceId, code, property, value, message, correlationId, properties };
}
