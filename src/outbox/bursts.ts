import type { Mark } from './marks.ts';

/** More marks than this in one burst are a mass change, and yield to what comes singly. */
const BULK = 200;
/** A session that is silent for longer ends its burst: `noted_at` is when a statement began. */
const GAP_MS = 100;

/** Mass changes that are under way: session → when its latest mark was noted, in milliseconds. */
export type Bursts = ReadonlyMap<string, number>;

/**
 * Which marks belong to a mass change: more than 200 that one session noted with hardly a pause, in one statement or in
 * many. Pure. `earlier` are the bursts of the marks folded before, so that the tail of one is known for what it is.
 */
export function findBulk(marks: readonly Mark[], earlier: Bursts): { bulk: Set<string>; bursts: Bursts } {
  const bulk = new Set<string>();
  const bursts = new Map<string, number>();
  for (const [session, ofSession] of bySession(marks)) {
    for (const run of splitAtGaps(ofSession)) {
      const last = earlier.get(session);
      const begins = timeOf(run[0]);
      const isTail = last !== undefined && begins >= last && begins - last <= GAP_MS;
      if (run.length <= BULK && !isTail) continue;
      for (const { id } of run) bulk.add(id);
      bursts.set(session, timeOf(run.at(-1)));
    }
  }
  for (const [session, last] of earlier) if (!bursts.has(session) && isRecent(last, marks)) bursts.set(session, last);
  return { bulk, bursts };
}

function bySession(marks: readonly Mark[]): Map<string, Mark[]> {
  const sessions = new Map<string, Mark[]>();
  for (const mark of marks) {
    const ofSession = sessions.get(mark.session);
    if (ofSession === undefined) sessions.set(mark.session, [mark]);
    else ofSession.push(mark);
  }
  return sessions;
}

function splitAtGaps(marks: readonly Mark[]): Mark[][] {
  const runs: Mark[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const mark of marks) {
    const at = timeOf(mark);
    const run = runs.at(-1);
    if (run === undefined || at - last > GAP_MS) runs.push([mark]);
    else run.push(mark);
    last = at;
  }
  return runs;
}

function timeOf(mark: Mark | undefined): number {
  return mark === undefined ? Number.NaN : Date.parse(`${mark.notedAt.replace(' ', 'T')}Z`);
}

/** Kept while marks of its time still come, so that the map stays small. */
function isRecent(last: number, marks: readonly Mark[]): boolean {
  return marks.length === 0 || timeOf(marks[0]) - last <= 60_000;
}
