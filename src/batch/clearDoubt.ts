import type { ObjectMapping } from '../config/mapping.ts';
import type { Db } from '../database/connect.ts';
import type { Hubspot } from '../hubspot/client.ts';
import type { Claim, ClaimedRow } from '../outbox/claim.ts';
import { readOwnedValues, releaseValues, rememberRecord } from '../outbox/match.ts';
import { matchKey } from '../outbox/matchKey.ts';
import { type Held, holdsSent, readHeld } from './held.ts';
import type { Candidate, Sorted } from './sortOut.ts';

type Clearing = { db: Db; hubspot: Hubspot; object: ObjectMapping; claim: Claim };

export type Cleared = {
  /** Rows that must wait, and for how long. */
  waiting: { row: ClaimedRow; delayMs: number }[];
  /** Rows of which it is known again what HubSpot holds, once they end well. */
  certain: ClaimedRow[];
  /** Rows without a HubSpot record that may have been given one under a value they own, which is not free therefore. */
  maybeCreated: Set<string>;
  /** Rows without a HubSpot record that own values from before this batch. */
  owners: Set<string>;
  calls: number;
};

/** HubSpot was asked and gave no answer to be used: asked again after a while. */
const ASK_AGAIN_MS = 5_000;

/**
 * A call without an answer may be carried out after the calls that follow it. So a row in doubt is sent at once, and
 * looked at again when nothing can come late any more; then it is read back, and sent again when it differs. What could
 * not be undone waits until then: a record that was perhaps created is not given another match value, and not archived.
 * Changes `sorted` in place.
 */
export async function clearDoubt(clearing: Clearing, sorted: Sorted, signal: AbortSignal): Promise<Cleared> {
  const cleared: Cleared = { waiting: [], certain: [], maybeCreated: new Set(), owners: new Set(), calls: 0 };
  const now = performance.now();
  const isOver = ({ doubt }: ClaimedRow) => doubt !== null && doubt.untilMs <= now;
  await adoptCreated(clearing, sorted, cleared, isOver, signal);
  await verifyUnchanged(clearing, sorted, cleared, isOver, signal);
  if (clearing.object.whenGone === 'archive') {
    for (const row of sorted.gone)
      if (row.doubt !== null && !isOver(row)) wait(sorted, cleared, row, row.doubt.untilMs);
  }
  cleared.certain.push(...[...sorted.candidates.map(({ row }) => row), ...sorted.gone].filter(isOver));
  return cleared;
}

/**
 * Rows without a HubSpot record that own a match value may have been given one: a call of them had no answer, or one
 * without a word of them. Where they no longer want that value, or are to be archived, HubSpot is asked for it.
 */
async function adoptCreated(
  { db, hubspot, object, claim }: Clearing,
  sorted: Sorted,
  cleared: Cleared,
  isOver: (row: ClaimedRow) => boolean,
  signal: AbortSignal,
): Promise<void> {
  // A row that was never looked at before owns nothing: the first load asks for none.
  const rows = claim.rows.filter(
    (row) => row.hubspotId === null && (row.revision !== '1' || row.attempts > 0 || row.doubt !== null),
  );
  const ids = rows.map(({ sourceId }) => sourceId);
  const owned = await readOwnedValues(db, object.name, ids);
  const wanted = new Map(sorted.candidates.map(({ row, matchValue }) => [row.sourceId, matchKey(matchValue)]));
  const asked: { row: ClaimedRow; values: string[] }[] = [];
  for (const row of rows) {
    const values = owned.get(row.sourceId) ?? [];
    if (values.length === 0) continue;
    cleared.owners.add(row.sourceId);
    cleared.maybeCreated.add(row.sourceId);
    const others = values.filter((value) => value !== wanted.get(row.sourceId));
    const isAsked = wanted.has(row.sourceId) || (sorted.gone.includes(row) && object.whenGone === 'archive');
    if (others.length === 0 || !isAsked) continue;
    if (row.doubt !== null && !isOver(row)) wait(sorted, cleared, row, row.doubt.untilMs);
    else asked.push({ row, values: others });
  }
  if (asked.length === 0) return;
  const holding = await readHeld(
    hubspot,
    { type: object.type, names: [], by: object.matchOn },
    asked.flatMap(({ values }) => values),
    signal,
  );
  cleared.calls += holding?.calls ?? 1;
  for (const { row, values } of asked) {
    if (holding === null || !values.every((value) => holding.found.has(value) || holding.missing.has(value))) {
      wait(sorted, cleared, row, performance.now() + ASK_AGAIN_MS);
      continue;
    }
    cleared.maybeCreated.delete(row.sourceId);
    const key = values.find((value) => holding.found.has(value));
    const held = key === undefined ? undefined : holding.found.get(key);
    if (key !== undefined && held !== undefined) {
      Object.assign(row, { hubspotId: held.hubspotId, matchValue: null });
      await rememberRecord(db, object.name, row.sourceId, { hubspotId: held.hubspotId, key }, claim.token);
    }
    const free = values.filter((value) => holding.missing.has(value));
    await releaseValues(db, object.name, row.sourceId, free, claim.token);
  }
}

/** Rows that HubSpot accepted as they are, after a call that may have been written later. */
async function verifyUnchanged(
  { hubspot, object }: Clearing,
  sorted: Sorted,
  cleared: Cleared,
  isOver: (row: ClaimedRow) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const rows = sorted.unchanged.filter(isOver);
  if (rows.length === 0) return;
  const names = Object.keys(rows[0]?.sentProperties ?? {});
  const ids = rows.flatMap(({ hubspotId }) => hubspotId ?? []);
  const holding = await readHeld(hubspot, { type: object.type, names, by: null }, ids, signal);
  cleared.calls += holding?.calls ?? 1;
  for (const row of rows) {
    const id = row.hubspotId ?? '';
    const held = holding?.found.get(id);
    if (held === undefined && !holding?.missing.has(id)) wait(sorted, cleared, row, performance.now() + ASK_AGAIN_MS);
    else if (held === undefined || !holdsSent(row.sentProperties ?? {}, held.properties)) sendAgain(sorted, row, held);
    else cleared.certain.push(row);
  }
}

/** What was written late, or deleted, is written over. */
function sendAgain(sorted: Sorted, row: ClaimedRow, held: Held | undefined): void {
  const { sentProperties, matchValue } = row;
  sorted.unchanged = sorted.unchanged.filter((each) => each !== row);
  if (sentProperties === null || matchValue === null) return;
  const candidate: Candidate = { row, matchValue, properties: sentProperties };
  Object.assign(row, { hubspotId: held?.hubspotId ?? null, matchValue: null, sentProperties: null });
  sorted.candidates.push(candidate);
}

function wait(sorted: Sorted, cleared: Cleared, row: ClaimedRow, untilMs: number): void {
  sorted.candidates = sorted.candidates.filter((candidate) => candidate.row !== row);
  sorted.unchanged = sorted.unchanged.filter((each) => each !== row);
  sorted.gone = sorted.gone.filter((each) => each !== row);
  cleared.waiting.push({ row, delayMs: Math.max(200, untilMs - performance.now()) });
}
