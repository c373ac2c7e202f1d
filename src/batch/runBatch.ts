import type { ObjectMapping } from '../config/mapping.ts';
import type { PassCounts } from '../counts.ts';
import type { Db } from '../database/connect.ts';
import { isUnavailable } from '../database/unavailable.ts';
import type { Hubspot } from '../hubspot/client.ts';
import type { Crashes } from '../hubspot/crashes.ts';
import type { Definitions } from '../hubspot/definition.ts';
import type { Stop } from '../hubspot/deliver.ts';
import type { KeyKind } from '../keys.ts';
import { type Claim, renew } from '../outbox/claim.ts';
import { endDoubt, isAnyInDoubt } from '../outbox/doubt.ts';
import { freeMatchValues, giveUpRecord } from '../outbox/match.ts';
import type { Outcome } from '../outbox/settle.ts';
import { settleInTime } from '../outbox/settleInTime.ts';
import { queryPause } from '../queryChecks.ts';
import { type Loaded, load } from '../source/load.ts';
import { archiveGone } from './archiveGone.ts';
import { type Cleared, clearDoubt } from './clearDoubt.ts';
import { type Guard, spare, type Trip } from './guard.ts';
import { outcomesOf, toPoison } from './outcomes.ts';
import { sendCandidates } from './send.ts';
import { settleOwnership } from './settleOwnership.ts';
import { sortOut } from './sortOut.ts';
import { vacateHolders } from './vacate.ts';

/** An object of the mapping with what was learnt about it. */
export type SyncObject = {
  mapping: ObjectMapping;
  keyKind: KeyKind;
  /** Null while HubSpot was never asked. */
  definitions: Definitions | null;
};

export type Batch = { object: SyncObject; claim: Claim };

export type BatchTools = {
  db: Db;
  hubspot: Hubspot;
  crashes: Crashes;
  guard: Guard;
  /** Answers in a row with which HubSpot failed. */
  faultsInARow(): number;
};

export type BatchResult = {
  counts: Partial<PassCounts>;
  stop: Stop | null;
  /** So many records are refused for one reason that the object should pause. */
  trip: Trip | null;
  wasAnswered: boolean;
};

/** Records refused for the reason of a trip are looked at again when the object is. */
const SPARED_MS = 30_000;

/**
 * One batch: the current rows are loaded and converted, those HubSpot does not hold yet are sent, and every row of the
 * claim is settled. No lock is held while HubSpot is called.
 */
export async function runBatch(tools: BatchTools, { object, claim }: Batch, signal: AbortSignal): Promise<BatchResult> {
  const { db, hubspot, crashes, guard } = tools;
  const { mapping, keyKind, definitions } = object;
  const ids = claim.rows.map(({ sourceId }) => sourceId);
  let loaded: Loaded;
  try {
    loaded = await load(db, mapping, keyKind, ids);
  } catch (error) {
    // Nothing was sent, so nothing is in doubt.
    const outcomes = ids.map((sourceId) => later(sourceId, 1_000));
    await settleInTime(db, claim, outcomes, signal);
    if (isUnavailable(error)) throw error;
    const { code, reason } = queryPause(error);
    return { ...nothingSent(ids.length), stop: { kind: 'mapping', code, reason } };
  }
  // What is not ours any more must not even reserve a match value.
  if (!(await keep(db, claim))) return nothingSent(ids.length);
  const sorted = sortOut(mapping, claim.rows, loaded, definitions);
  const cleared = await clearDoubt({ db, hubspot, object: mapping, claim }, sorted, signal);
  const admission = await settleOwnership({ db, hubspot, object: mapping, keyKind, claim, signal }, sorted.candidates);
  const mayStart = () => keep(db, claim);
  const vacated = await vacateHolders({ db, hubspot, object: mapping, claim, mayStart }, admission, signal);
  const delivery = await sendCandidates(
    {
      hubspot,
      object: mapping,
      isSuspect: (sourceId) => crashes.isSuspect(mapping.name, sourceId),
      mayStart,
      signal,
    },
    admission.admitted,
  );
  // Their records are gone in HubSpot: the next batch finds out whether there are others, and creates them.
  for (const sourceId of delivery.missing) await giveUpRecord(db, mapping.name, sourceId, claim.token);
  const archived = await archiveGone({ db, hubspot, object: mapping, mayStart }, sorted.gone, signal);
  crashes.failed(mapping.name, delivery.doubtful);
  crashes.answered(
    mapping.name,
    [...delivery.delivered, ...delivery.refused].map(({ sourceId }) => sourceId),
  );

  const all: Outcome[] = [
    ...sorted.unchanged.map(({ sourceId }): Outcome => ({ kind: 'unchanged', sourceId })),
    ...cleared.waiting.map(({ row, delayMs }) => later(row.sourceId, delayMs)),
    ...archived.outcomes,
    ...sorted.refused.map((refusal) => toPoison(refusal)),
    ...admission.refused.map((refusal) => toPoison({ ...refusal, property: mapping.matchOn })),
    ...admission.later.map(({ row }) => later(row.sourceId, 500 + Math.random() * 1_000)),
    ...(await withoutHastyConflicts(db, mapping.name, outcomesOf(delivery, admission.admitted, tools.faultsInARow()))),
  ];
  const trip = guard.judge(mapping.name, all, Date.now());
  const outcomes = trip === null ? all : spare(all, trip, SPARED_MS);
  await settleInTime(db, claim, outcomes, signal);
  // Of what is no longer ours somebody else has settled what it holds.
  if (performance.now() < claim.expiresAt) await tidyUp(db, mapping, claim, outcomes, cleared);
  return {
    counts: { ...countOutcomes(outcomes), calls: delivery.calls + vacated + archived.calls + cleared.calls },
    stop: delivery.stop ?? archived.stop,
    trip,
    wasAnswered: delivery.delivered.length > 0 || delivery.refused.length > 0,
  };
}

function nothingSent(rows: number): BatchResult {
  return { counts: { later: rows }, stop: null, trip: null, wasAnswered: false };
}

/** HubSpot's words for a value that another of its records holds. */
const CONFLICTS = ['CONFLICT', 'VALUE_NOT_UNIQUE'];

/** A record that was written late may hold a value just until it is written again: a conflict counts once none is in doubt. */
async function withoutHastyConflicts(db: Db, object: string, outcomes: readonly Outcome[]): Promise<Outcome[]> {
  const isConflict = (outcome: Outcome) => outcome.kind === 'poison' && CONFLICTS.includes(outcome.code);
  if (!outcomes.some(isConflict) || !(await isAnyInDoubt(db, object))) return [...outcomes];
  return outcomes.map((outcome) => (isConflict(outcome) ? later(outcome.sourceId, 2_000) : outcome));
}

/** Whether the rows are still ours to send; a claim that is half through is renewed. */
async function keep(db: Db, claim: Claim): Promise<boolean> {
  if (claim.expiresAt - performance.now() < claim.leaseMs / 2 && performance.now() < claim.expiresAt) {
    // A database that is away for a moment ends nothing: the claim lasts as long as it did.
    await renew(db, claim).catch(() => {});
  }
  return performance.now() < claim.expiresAt;
}

function later(sourceId: string, delayMs: number): Outcome {
  return { kind: 'later', sourceId, delayMs, countsAttempt: false };
}

/** What a row no longer holds in HubSpot is free for others, and a doubt that was cleared is over. */
async function tidyUp(
  db: Db,
  { name }: ObjectMapping,
  claim: Claim,
  outcomes: readonly Outcome[],
  { certain, maybeCreated, owners }: Cleared,
): Promise<void> {
  const rows = new Map(claim.rows.map((row) => [row.sourceId, row]));
  const kept = outcomes.flatMap((outcome) => {
    const row = rows.get(outcome.sourceId);
    if (row === undefined) return [];
    const { sourceId, hubspotId, matchValue } = row;
    if (outcome.kind === 'synced') {
      const hadAnother = (hubspotId !== null && matchValue !== outcome.matchValue) || owners.has(sourceId);
      return hadAnother ? [{ sourceId, matchValue: outcome.matchValue }] : [];
    }
    if (outcome.kind === 'gone' && outcome.isArchived) return [{ sourceId, matchValue: null }];
    if (outcome.kind !== 'gone' && outcome.kind !== 'poison') return [];
    // Where it is not known what HubSpot holds, the row keeps what it may hold.
    const isKnown = hubspotId === null ? !maybeCreated.has(sourceId) : matchValue !== null;
    return isKnown ? [{ sourceId, matchValue }] : [];
  });
  await freeMatchValues(db, name, kept);
  const ended = new Set(
    outcomes.filter(({ kind }) => kind !== 'later' && kind !== 'poison').map(({ sourceId }) => sourceId),
  );
  await endDoubt(
    db,
    name,
    certain.map(({ sourceId }) => sourceId).filter((id) => ended.has(id)),
  );
}

function countOutcomes(outcomes: readonly Outcome[]): Partial<PassCounts> {
  const counts = { synced: 0, unchanged: 0, gone: 0, poison: 0, later: 0 };
  for (const { kind } of outcomes) counts[kind] += 1;
  return counts;
}
