import type { Holder } from '../outbox/match.ts';
import type { Candidate, Refusal } from './sortOut.ts';

/**
 * Who may send which match value. HubSpot keeps a match value (an e-mail) unique, so of two rows that want one only the
 * earlier is sent; and a value that another row has given up at its source, but that HubSpot's record of that row still
 * holds, must be taken from that record first (`vacate`), or two users who swap addresses block each other for good.
 */
export type Admission = {
  /** May be sent now. */
  admitted: Candidate[];
  refused: Refusal[];
  /** Owners whose HubSpot record must lose its match value before `admitted` is sent. */
  vacate: Contest[];
  /** Values that pass from a row that no longer needs them. */
  takeOver: Contest[];
  /** Wait for a row that is in flight elsewhere. */
  later: Candidate[];
};

export type Contest = {
  candidate: Candidate;
  holder: Holder;
  /** HubSpot's record of the holder goes over with the value. */
  isRecordToo: boolean;
};

/**
 * Two rows of one batch that want one value: the one that owns it comes first, then the one HubSpot knows by it, else the
 * one that was due first. Pure.
 */
export function separateDuplicates(
  candidates: readonly Candidate[],
  owners: ReadonlyMap<string, string> = new Map(),
): { distinct: Candidate[]; refused: Refusal[] } {
  const rank = ({ row, matchValue }: Candidate) =>
    owners.get(matchValue) === row.sourceId ? 2 : row.matchValue === matchValue ? 1 : 0;
  const firstOf = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const first = firstOf.get(candidate.matchValue);
    if (first === undefined || rank(candidate) > rank(first)) {
      firstOf.set(candidate.matchValue, candidate);
    }
  }
  const distinct: Candidate[] = [];
  const refused: Refusal[] = [];
  for (const candidate of candidates) {
    const first = firstOf.get(candidate.matchValue);
    if (first === undefined || first === candidate) distinct.push(candidate);
    else refused.push(duplicateOf(candidate, first.row.sourceId));
  }
  return { distinct, refused };
}

/**
 * Decides for every candidate whose value another row owns. Pure.
 * @param owners match value → the row that owns it, as reserved
 * @param holders what is known of the rows that own a contested value
 * @param sourceValues the match values these rows have at their source now; absent when the query returns no such row
 * @param claimed every row of the claim: what is in flight here does not wait for itself
 */
export function admit(
  candidates: readonly Candidate[],
  owners: ReadonlyMap<string, string>,
  holders: ReadonlyMap<string, Holder>,
  sourceValues: ReadonlyMap<string, string>,
  claimed: ReadonlySet<string>,
): Admission {
  const admission: Admission = { admitted: [], refused: [], vacate: [], takeOver: [], later: [] };
  for (const candidate of candidates) {
    const owner = owners.get(candidate.matchValue);
    const holder = owner === undefined ? undefined : holders.get(owner);
    if (owner === candidate.row.sourceId) admission.admitted.push(candidate);
    else if (holder === undefined) admission.later.push(candidate);
    else decide(admission, candidate, holder, sourceValues.get(holder.sourceId), claimed);
  }
  return admission;
}

function decide(
  admission: Admission,
  candidate: Candidate,
  holder: Holder,
  wantedByHolder: string | undefined,
  claimed: ReadonlySet<string>,
): void {
  const { matchValue, row } = candidate;
  if (wantedByHolder === matchValue) {
    admission.refused.push(duplicateOf(candidate, holder.sourceId));
    return;
  }
  if (isToWaitFor(holder, row.hubspotId !== null, claimed)) {
    admission.later.push(candidate);
    return;
  }
  const isHeld = holder.hubspotId !== null && (holder.matchValue === matchValue || holder.matchValue === null);
  const isSameRecord = holder.hubspotId === row.hubspotId;
  if (!isHeld || isSameRecord) {
    admission.takeOver.push({ candidate, holder, isRecordToo: isHeld });
  } else if (wantedByHolder !== undefined) {
    admission.vacate.push({ candidate, holder, isRecordToo: false });
  } else if (row.hubspotId === null) {
    // Somebody came back under a new key: HubSpot's record of the old one is theirs.
    admission.takeOver.push({ candidate, holder, isRecordToo: true });
  } else if (holder.isPending && !claimed.has(holder.sourceId)) {
    // What it will be kept with shows when its own batch is through.
    admission.later.push(candidate);
    return;
  } else {
    admission.refused.push(keptBy(candidate, holder));
    return;
  }
  admission.admitted.push(candidate);
}

/**
 * A holder whose call may still be carried out would write over what is sent now. One without a record may have been
 * given one, which an update by id would collide with: its own batch finds out.
 */
function isToWaitFor(holder: Holder, isUpdate: boolean, claimed: ReadonlySet<string>): boolean {
  if (holder.isDoubtful) return true;
  if (claimed.has(holder.sourceId)) return false;
  const isUnknown = holder.hubspotId === null ? isUpdate : holder.matchValue === null;
  return holder.isInFlight || (holder.isPending && isUnknown);
}

function duplicateOf({ row, matchValue }: Candidate, otherId: string): Refusal {
  return {
    sourceId: row.sourceId,
    code: 'DUPLICATE_MATCH',
    value: matchValue,
    message: `Record ${otherId} has the same value, and HubSpot keeps it unique. Change one of the two.`,
  };
}

function keptBy({ row, matchValue }: Candidate, holder: Holder): Refusal {
  return {
    sourceId: row.sourceId,
    code: 'DUPLICATE_MATCH',
    value: matchValue,
    message: `HubSpot record ${holder.hubspotId} holds this value; it was kept when its source, record ${holder.sourceId}, went. Merge or delete it in HubSpot, then retry.`,
  };
}
