import type { ObjectMapping } from '../config/mapping.ts';
import type { Db } from '../database/connect.ts';
import type { Answer, Hubspot, MayStart } from '../hubspot/client.ts';
import type { Stop } from '../hubspot/deliver.ts';
import { judge } from '../hubspot/responses.ts';
import type { ClaimedRow } from '../outbox/claim.ts';
import { findShared } from '../outbox/match.ts';
import type { Outcome } from '../outbox/settle.ts';

type Archived = { outcomes: Outcome[]; calls: number; stop: Stop | null };

/**
 * Records the query no longer returns. With `when_gone: archive` their HubSpot records are archived, except where
 * another row has come to own that record: a user who came back under a new key keeps the contact.
 */
export async function archiveGone(
  { db, hubspot, object, mayStart }: { db: Db; hubspot: Hubspot; object: ObjectMapping; mayStart: MayStart },
  gone: readonly ClaimedRow[],
  signal: AbortSignal,
): Promise<Archived> {
  const known = object.whenGone === 'archive' ? gone.filter(({ hubspotId }) => hubspotId !== null) : [];
  if (known.length === 0) return { outcomes: gone.map((row) => ended(row, false)), calls: 0, stop: null };
  const shared = await findShared(db, object.name, known);
  const ids = known.flatMap(({ hubspotId }) => (hubspotId === null || shared.has(hubspotId) ? [] : [hubspotId]));
  const verdict = ids.length === 0 ? null : judgeArchive(await hubspot.archive(object.type, ids, signal, mayStart));
  const isDone = verdict === null || verdict.kind === 'done';
  const stop = verdict === null || verdict.kind === 'done' ? null : verdict.stop;
  const isDoubtful = stop?.kind === 'fault' && stop.isDoubtful;
  return {
    outcomes: gone.map((row) =>
      isDone || !known.includes(row) ? ended(row, known.includes(row)) : retry(row, isDoubtful),
    ),
    calls: ids.length === 0 ? 0 : 1,
    stop,
  };
}

type Verdict = { kind: 'done' } | { kind: 'stopped'; stop: Stop | null };

function judgeArchive(answer: Answer): Verdict {
  if (answer.status === 204 || answer.status === 200 || answer.status === 404) return { kind: 'done' };
  const verdict = judge(answer);
  const isStop =
    verdict.kind === 'account' || verdict.kind === 'wait' || verdict.kind === 'fault' || verdict.kind === 'mapping';
  return { kind: 'stopped', stop: isStop ? verdict : null };
}

function ended({ sourceId }: ClaimedRow, isArchived: boolean): Outcome {
  return { kind: 'gone', sourceId, isArchived };
}

/** An archiving that comes late would take a record that came back meanwhile: it is looked at again then. */
function retry({ sourceId }: ClaimedRow, isDoubtful: boolean): Outcome {
  const delayMs = 2_000;
  return { kind: 'later', sourceId, delayMs, countsAttempt: false, ...(isDoubtful ? { doubt: 'late' } : {}) };
}
