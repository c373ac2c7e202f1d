import { randomUUID } from 'node:crypto';
import type { ObjectMapping } from '../config/mapping.ts';
import type { PassCounts } from '../counts.ts';
import type { Db } from '../database/connect.ts';
import type { Hubspot } from '../hubspot/client.ts';
import type { OutboundRecord } from '../hubspot/confirm.ts';
import type { Definitions } from '../hubspot/definition.ts';
import { type Delivery, deliver, type Stop } from '../hubspot/deliver.ts';
import type { KeyKind } from '../keys.ts';
import type { Claim, ClaimedRow } from '../outbox/claim.ts';
import { freeMatchValues } from '../outbox/match.ts';
import { type Outcome, settle } from '../outbox/settle.ts';
import { load } from '../source/load.ts';
import { archiveGone } from './archiveGone.ts';
import { settleOwnership } from './settleOwnership.ts';
import { type Candidate, type Refusal, sortOut } from './sortOut.ts';
import { vacateHolders } from './vacate.ts';

/** An object of the mapping with what was learnt about it. */
export type SyncObject = {
  mapping: ObjectMapping;
  keyKind: KeyKind;
  /** Null while HubSpot was never asked. */
  definitions: Definitions | null;
};

export type Batch = { object: SyncObject; claim: Claim; isFull: boolean };

export type BatchTools = { db: Db; hubspot: Hubspot; leaseMs: number };

export type BatchResult = { counts: Partial<PassCounts>; stop: Stop | null; wasAnswered: boolean };

/**
 * One batch: the current rows are loaded and converted, those HubSpot does not hold yet are sent, and every row of the
 * claim is settled. No lock is held while HubSpot is called.
 */
export async function runBatch(
  { db, hubspot, leaseMs }: BatchTools,
  { object, claim }: Batch,
  signal: AbortSignal,
): Promise<BatchResult> {
  const { mapping, keyKind, definitions } = object;
  const loaded = await load(
    db,
    mapping,
    keyKind,
    claim.rows.map(({ sourceId }) => sourceId),
  );
  const sorted = sortOut(mapping, claim.rows, loaded, definitions);
  const admission = await settleOwnership(db, mapping, keyKind, claim, sorted.candidates);
  const vacateCalls = await vacateHolders({ db, hubspot, object: mapping, claim, leaseMs }, admission, signal);
  const delivery = await sendCandidates(hubspot, mapping, admission.admitted, signal);
  const archived = await archiveGone({ db, hubspot, object: mapping }, sorted.gone, signal);

  const refused = [...sorted.refused, ...admission.refused];
  const outcomes = [
    ...sorted.unchanged.map(({ sourceId }): Outcome => ({ kind: 'unchanged', sourceId })),
    ...archived.outcomes,
    ...refused.map(toPoison),
    ...admission.later.map(({ row }) => later(row, 500 + Math.random() * 1_000, false)),
    ...outcomesOf(delivery, admission.admitted),
  ];
  await settle(db, claim, outcomes);
  await freeUnused(db, mapping, claim, outcomes);
  return {
    counts: { ...countOutcomes(outcomes), calls: delivery.calls + vacateCalls + archived.calls },
    stop: delivery.stop ?? archived.stop,
    wasAnswered: delivery.delivered.length > 0 || delivery.refused.length > 0,
  };
}

/** A record whose match value changed is updated by its id, so that no second one appears; the rest is upserted. */
async function sendCandidates(
  hubspot: Hubspot,
  { type, matchOn }: ObjectMapping,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<Delivery> {
  const moved = candidates.filter(({ row, matchValue }) => row.hubspotId !== null && row.matchValue !== matchValue);
  const others = candidates.filter((candidate) => !moved.includes(candidate));
  const updated = await deliver(hubspot, { type, matchOn, mode: 'update' }, moved.map(toOutbound), signal);
  const missing = moved.filter(({ row }) => updated.missing.includes(row.sourceId));
  const upserted = await deliver(
    hubspot,
    { type, matchOn, mode: 'upsert' },
    [...others, ...missing].map(toOutbound),
    signal,
  );
  return {
    delivered: [...updated.delivered, ...upserted.delivered],
    refused: [...updated.refused, ...upserted.refused],
    missing: [],
    later: [...updated.later, ...upserted.later],
    unknown: [...updated.unknown, ...upserted.unknown],
    stop: updated.stop ?? upserted.stop,
    calls: updated.calls + upserted.calls,
  };
}

function toOutbound({ row, matchValue, properties }: Candidate): OutboundRecord {
  return { sourceId: row.sourceId, hubspotId: row.hubspotId, matchValue, properties, traceId: randomUUID() };
}

function outcomesOf(
  { delivered, refused, later: waiting, unknown }: Delivery,
  candidates: readonly Candidate[],
): Outcome[] {
  const byId = new Map(candidates.map((candidate) => [candidate.row.sourceId, candidate]));
  const ended = new Map<string, Outcome>();
  for (const { sourceId, hubspotId } of delivered) {
    const candidate = byId.get(sourceId);
    if (candidate === undefined) continue;
    const { matchValue, properties } = candidate;
    ended.set(sourceId, { kind: 'synced', sourceId, hubspotId, matchValue, properties });
  }
  for (const refusal of refused) ended.set(refusal.sourceId, toPoison(refusal));
  for (const { row } of candidates) {
    if (ended.has(row.sourceId)) continue;
    const isUnknown = unknown.includes(row.sourceId) && !waiting.includes(row.sourceId);
    ended.set(row.sourceId, later(row, isUnknown ? backoffMs(row.attempts) : 1_000, isUnknown));
  }
  return [...ended.values()];
}

/** Full jitter over an exponential ceiling: 1 s, 2 s, 4 s … one minute. */
function backoffMs(attempts: number): number {
  return 200 + Math.random() * Math.min(60_000, 1_000 * 2 ** Math.min(attempts, 6));
}

function toPoison({ sourceId, code, property, value, message, correlationId }: Refusal): Outcome {
  return { kind: 'poison', sourceId, code, property, value, message, correlationId };
}

function later({ sourceId }: ClaimedRow, delayMs: number, countsAttempt: boolean): Outcome {
  return { kind: 'later', sourceId, delayMs, countsAttempt };
}

/** What a row no longer holds in HubSpot is free for others. */
async function freeUnused(db: Db, { name }: ObjectMapping, claim: Claim, outcomes: readonly Outcome[]): Promise<void> {
  const before = new Map(claim.rows.map(({ sourceId, matchValue }) => [sourceId, matchValue]));
  const kept = outcomes.flatMap((outcome) => {
    const earlier = before.get(outcome.sourceId) ?? null;
    if (outcome.kind === 'synced' && earlier !== outcome.matchValue && earlier !== null)
      return [{ sourceId: outcome.sourceId, matchValue: outcome.matchValue }];
    if (outcome.kind === 'gone' && outcome.isArchived) return [{ sourceId: outcome.sourceId, matchValue: null }];
    if (outcome.kind === 'gone' || outcome.kind === 'poison')
      return [{ sourceId: outcome.sourceId, matchValue: earlier }];
    return [];
  });
  await freeMatchValues(db, name, kept);
}

function countOutcomes(outcomes: readonly Outcome[]): Partial<PassCounts> {
  const counts = { synced: 0, unchanged: 0, gone: 0, poison: 0, later: 0 };
  for (const { kind } of outcomes) counts[kind] += 1;
  return counts;
}
