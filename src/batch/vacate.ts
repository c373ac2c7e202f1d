import type { Db } from '../database/connect.ts';
import type { Hubspot, MayStart } from '../hubspot/client.ts';
import { judge } from '../hubspot/responses.ts';
import type { Claim } from '../outbox/claim.ts';
import { noteDoubt } from '../outbox/doubt.ts';
import { forgetMatchValue, holdForVacating, takeOver } from '../outbox/match.ts';
import { settle } from '../outbox/settle.ts';
import type { Admission, Contest } from './admit.ts';

type Vacating = {
  db: Db;
  hubspot: Hubspot;
  object: { name: string; type: string; matchOn: string };
  claim: Claim;
  mayStart: MayStart;
};

/**
 * Takes a match value from the HubSpot record of a row that has given it up at its source, so that another row may
 * have it. The row is held by this claim meanwhile, so that nobody sends its new value before the old is cleared,
 * and is pending afterwards. Candidates whose value could not be freed move to `later`. Returns the calls it took.
 */
export async function vacateHolders(vacating: Vacating, admission: Admission, signal: AbortSignal): Promise<number> {
  let calls = 0;
  for (const contest of admission.vacate) {
    const isFreed = await vacate(vacating, contest, signal);
    calls += 1;
    if (isFreed) continue;
    admission.admitted = admission.admitted.filter((each) => each !== contest.candidate);
    admission.later.push(contest.candidate);
  }
  return calls;
}

async function vacate(
  { db, hubspot, object, claim, mayStart }: Vacating,
  { candidate, holder }: Contest,
  signal: AbortSignal,
): Promise<boolean> {
  const { sourceId, hubspotId } = holder;
  if (hubspotId === null) return false;
  const revision = await holdForVacating(db, object.name, sourceId, claim.token, claim.leaseMs);
  if (revision === null) return false;
  const own = claim.rows.find((row) => row.sourceId === sourceId);
  if (own !== undefined) {
    own.sentProperties = null;
    // One that changed since it was loaded keeps what it was claimed with, and is pending again when it is settled.
    if (BigInt(revision) === BigInt(own.revision) + 1n) own.revision = revision;
  }
  const cleared = [{ id: hubspotId, properties: { [object.matchOn]: '' } }];
  const answer = await hubspot.update(object.type, cleared, signal, mayStart);
  const verdict = judge(answer);
  // A clearing whose answer was lost may be written after the row's next send, which is looked at again then.
  if (verdict.kind === 'fault' && verdict.isDoubtful) await noteDoubt(db, object.name, [sourceId], claim.lateWriteMs);
  const isCleared = verdict.kind === 'answered' && !isNotFound(answer.body);
  let isFree = isCleared || isNotFound(answer.body);
  if (isFree) {
    await forgetMatchValue(db, object.name, sourceId, claim.token);
    if (own !== undefined) own.matchValue = '';
    const { matchValue, row } = candidate;
    const passing = { matchValue, from: sourceId, to: row.sourceId, isRecordToo: false };
    isFree = await takeOver(db, object.name, passing, claim.token);
  }
  if (own === undefined) await giveBack(db, claim, sourceId, revision, isFree ? 0 : 1_000);
  return isFree;
}

/** The contact was deleted in HubSpot: nothing holds the value any more. */
function isNotFound(body: unknown): boolean {
  return JSON.stringify(body ?? '').includes('OBJECT_NOT_FOUND');
}

async function giveBack(db: Db, claim: Claim, sourceId: string, revision: string, delayMs: number): Promise<void> {
  const row = {
    sourceId,
    revision,
    attempts: 0,
    hubspotId: null,
    matchValue: null,
    sentProperties: null,
    doubt: null,
    pendingSince: null,
  };
  await settle(db, { ...claim, rows: [row] }, [{ kind: 'later', sourceId, delayMs, countsAttempt: false }]);
}
