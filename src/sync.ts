import { setTimeout as delay } from 'node:timers/promises';
import type { Batch } from './batch/runBatch.ts';
import { addCounts, noCounts, type PassCounts } from './counts.ts';

/** The stages of a pass, each bound to its database and its HubSpot by the worker. */
export type Stages = {
  /** Folds what is noted, a bounded portion; says whether more marks wait. */
  fold(): Promise<{ marks: number; more: boolean }>;
  /** Claims the next batch of whichever object is open and has rows due; null when nothing may be sent now. */
  claim(): Promise<Batch | null>;
  /** Loads, converts, delivers and settles a batch. Never throws. */
  deliver(batch: Batch): Promise<Partial<PassCounts>>;
  concurrency: number;
};

/** Between two looks when less than a batch was found: what changes meanwhile shares the next call. */
const LOOK_EVERY_MS = 400;

/**
 * One pass: what the triggers noted is folded, and batch after batch is delivered, several at a time, until a look
 * finds nothing. Folding goes on beside the batches, so that a change noted during a long drain is not stuck behind it.
 * Nothing is kept in memory but the batches under way.
 */
export async function runPass(stages: Stages, signal: AbortSignal): Promise<PassCounts> {
  const counts = noCounts();
  const underWay = new Set<Promise<void>>();
  const start = (batch: Batch) => {
    addCounts(counts, { claimed: batch.claim.rows.length });
    const delivered = stages.deliver(batch).then((more) => addCounts(counts, more));
    const ended = delivered.finally(() => underWay.delete(ended));
    underWay.add(ended);
  };
  try {
    while (!signal.aborted) {
      const lookedAt = performance.now();
      const folded = await stages.fold();
      addCounts(counts, { marks: folded.marks });
      const isDrained = await fillSlots(stages, underWay, start, signal);
      if (signal.aborted) break;
      if (!isDrained) await Promise.race(underWay);
      else if (underWay.size > 0) await nextLook(lookedAt, signal);
      else if (!folded.more) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  return counts;
}

/** Starts batches until all slots are taken or nothing is due, which it says. */
async function fillSlots(
  stages: Stages,
  underWay: ReadonlySet<unknown>,
  start: (batch: Batch) => void,
  signal: AbortSignal,
): Promise<boolean> {
  while (underWay.size < stages.concurrency && !signal.aborted) {
    const batch = await stages.claim();
    if (batch === null) return true;
    start(batch);
  }
  return false;
}

async function nextLook(lookedAt: number, signal: AbortSignal): Promise<void> {
  const waitMs = lookedAt + LOOK_EVERY_MS - performance.now();
  if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => {});
}
