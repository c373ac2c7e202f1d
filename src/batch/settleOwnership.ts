import type { ObjectMapping } from '../config/mapping.ts';
import type { Db } from '../database/connect.ts';
import type { Hubspot } from '../hubspot/client.ts';
import type { KeyKind } from '../keys.ts';
import type { Claim } from '../outbox/claim.ts';
import { type Holder, readHolders, readOwners, rememberRecord, reserve, takeOver } from '../outbox/match.ts';
import { matchKey } from '../outbox/matchKey.ts';
import { load } from '../source/load.ts';
import { normalizeMatch } from '../source/record.ts';
import { type Admission, admit, type Contest, separateDuplicates } from './admit.ts';
import { readHeld } from './held.ts';
import type { Candidate } from './sortOut.ts';

type Settling = {
  db: Db;
  hubspot: Hubspot;
  object: ObjectMapping;
  keyKind: KeyKind;
  claim: Claim;
  signal: AbortSignal;
};

/** Reserves the match values of a batch and decides about those that other rows own; nothing is sent yet. */
export async function settleOwnership(settling: Settling, candidates: readonly Candidate[]): Promise<Admission> {
  const { db, object, keyKind, claim } = settling;
  const { distinct, refused } = separateDuplicates(candidates, await readOwners(db, object.name, twice(candidates)));
  const owners = await reserve(
    db,
    object.name,
    distinct.map(({ row, matchValue }) => ({
      sourceId: row.sourceId,
      matchValue,
      isHeld: row.matchValue === matchValue,
    })),
  );
  const others = contestedBy(distinct, owners);
  const holders = withUnknown(others, await readHolders(db, object.name, others));
  const sourceValues = await readSourceValues(db, object, keyKind, others);
  await findRecords(settling, distinct, owners, holders, sourceValues);
  const claimed = new Set(claim.rows.map(({ sourceId }) => sourceId));
  const admission = admit(distinct, owners, holders, sourceValues, claimed);
  await takeOverAll(db, object.name, claim, admission);
  return { ...admission, refused: [...refused, ...admission.refused] };
}

/**
 * A row that is gone or poison may have been given a record for the value it owns, in a call without an answer, or its
 * record may have lost the value. Before the value goes to a record of another, HubSpot is asked; and before it is
 * refused because of a record that was kept, which somebody may have deleted. A holder of which nothing could be learnt
 * is waited for.
 */
async function findRecords(
  { db, hubspot, object, claim, signal }: Settling,
  candidates: readonly Candidate[],
  owners: ReadonlyMap<string, string>,
  holders: Map<string, Holder>,
  sourceValues: ReadonlyMap<string, string>,
): Promise<void> {
  const own = new Set(claim.rows.map(({ sourceId }) => sourceId));
  const asked = candidates.flatMap(({ row, matchValue }) => {
    const holder = holders.get(owners.get(matchValue) ?? '');
    if (holder === undefined || holder.isDoubtful || (holder.isPending && !own.has(holder.sourceId))) return [];
    const isUnsure = holder.hubspotId === null ? row.hubspotId !== null : holder.matchValue === null;
    const isKept = row.hubspotId !== null && holder.hubspotId !== null && !sourceValues.has(holder.sourceId);
    return isUnsure || isKept ? [{ holder, matchValue }] : [];
  });
  const values = asked.map(({ matchValue }) => matchValue);
  const holding = await readHeld(hubspot, { type: object.type, names: [], by: object.matchOn }, values, signal);
  for (const { holder, matchValue } of asked) {
    const held = holding?.found.get(matchValue);
    if (held === undefined && !holding?.missing.has(matchValue)) holder.isDoubtful = true;
    else if (held === undefined) holder.matchValue = '';
    else if (holder.hubspotId !== null) holder.matchValue = held.hubspotId === holder.hubspotId ? matchValue : '';
    else {
      const found = { hubspotId: held.hubspotId, key: matchKey(matchValue) };
      await rememberRecord(db, object.name, holder.sourceId, found, claim.token);
      Object.assign(holder, { hubspotId: held.hubspotId, matchValue });
    }
  }
}

/** Values that several rows of the batch want. */
function twice(candidates: readonly Candidate[]): string[] {
  const seen = new Set<string>();
  const again = candidates.filter(({ matchValue }) => seen.size === seen.add(matchValue).size);
  return [...new Set(again.map(({ matchValue }) => matchValue))];
}

function contestedBy(candidates: readonly Candidate[], owners: ReadonlyMap<string, string>): string[] {
  const others = candidates.flatMap(({ row, matchValue }) => {
    const owner = owners.get(matchValue);
    return owner === undefined || owner === row.sourceId ? [] : [owner];
  });
  return [...new Set(others)];
}

/** An owner without a row in the outbox was deleted there by hand: it holds nothing. */
function withUnknown(ids: readonly string[], holders: ReadonlyMap<string, Holder>): Map<string, Holder> {
  return new Map(
    ids.map((sourceId) => [
      sourceId,
      holders.get(sourceId) ?? {
        sourceId,
        hubspotId: null,
        matchValue: null,
        isInFlight: false,
        isPending: false,
        isDoubtful: false,
      },
    ]),
  );
}

/** The match values rows have at their source now; a row the query does not return is not in the map. */
async function readSourceValues(
  db: Db,
  object: ObjectMapping,
  keyKind: KeyKind,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const { columns, rows } = await load(db, object, keyKind, ids);
  const at = columns.findIndex(({ name }) => name === object.matchOn);
  return new Map([...rows].map(([id, values]) => [id, normalizeMatch(object, String(values[at] ?? ''))]));
}

/** A value that its owner no longer needs passes on; lost to a third row meanwhile, the candidate waits. */
async function takeOverAll(db: Db, object: string, claim: Claim, admission: Admission): Promise<void> {
  for (const contest of admission.takeOver) {
    if (await takeOverOne(db, object, claim, contest)) continue;
    admission.admitted = admission.admitted.filter((each) => each !== contest.candidate);
    admission.later.push(contest.candidate);
  }
}

async function takeOverOne(
  db: Db,
  object: string,
  claim: Claim,
  { candidate, holder, isRecordToo }: Contest,
): Promise<boolean> {
  const { matchValue, row } = candidate;
  const passing = { matchValue, from: holder.sourceId, to: row.sourceId, isRecordToo };
  if (!(await takeOver(db, object, passing, claim.token))) return false;
  const own = isRecordToo ? claim.rows.find(({ sourceId }) => sourceId === holder.sourceId) : undefined;
  if (own !== undefined) Object.assign(own, { hubspotId: null, matchValue: null, sentProperties: null });
  return true;
}
