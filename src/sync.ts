import type { Batch } from './batch/runBatch.ts';
import { addCounts, noCounts, type PassCounts } from './counts.ts';

/** The stages of a pass, each bound to its database and its HubSpot by the worker. */
export type Stages = {
  /** Folds what is noted, a bounded portion; says whether more marks wait. */
  fold(): Promise<{ marks: number; more: boolean }>;
  /** Claims the next batch of whichever object is open and has rows due; null when nothing is due. */
  claim(): Promise<Batch | null>;
  /** Loads, converts, delivers and settles a batch. */
  deliver(batch: Batch): Promise<Partial<PassCounts>>;
  concurrency: number;
};

/**
 * One pass: what the triggers noted is folded, and batch after batch is delivered until none is due that is full.
 * Several batches are under way at once, and folding goes on beside them, so that a change noted during a long
 * drain is not stuck behind it. Nothing is kept in memory but the batches under way.
 */
export async function runPass(stages: Stages, signal: AbortSignal): Promise<PassCounts> {
  const counts = noCounts();
  let folded = await fold(stages, counts);

  const slot = async () => {
    while (!signal.aborted) {
      const batch = await stages.claim();
      if (batch === null && !folded.more) return;
      if (batch !== null) {
        addCounts(counts, { claimed: batch.claim.rows.length });
        addCounts(counts, await stages.deliver(batch));
        if (!batch.isFull && !folded.more) return;
      }
      folded = await fold(stages, counts);
    }
  };

  await Promise.all(Array.from({ length: stages.concurrency }, slot));
  return counts;
}

async function fold(stages: Stages, counts: PassCounts): Promise<{ marks: number; more: boolean }> {
  const folded = await stages.fold();
  addCounts(counts, { marks: folded.marks });
  return folded;
}
