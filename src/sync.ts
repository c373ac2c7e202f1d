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
/** Between two folds, unless the last one left marks. */
const FOLD_EVERY_MS = 200;

/**
 * One pass: what the triggers noted is folded, and batch after batch is delivered, several at a time, until a look
 * finds nothing. Folding goes on beside the batches and they beside it, so that neither a change noted during a long
 * drain nor a place for a batch waits for the other. Nothing is kept in memory but the batches under way.
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
  const folds = new Folds(stages);
  try {
    while (!signal.aborted) {
      const lookedAt = performance.now();
      folds.startIfDue(lookedAt);
      folds.throwIfFailed();
      const isDrained = await fillSlots(stages, underWay, start, signal);
      if (signal.aborted) break;
      const ends = folds.current === null ? [...underWay] : [...underWay, folds.current];
      if (!isDrained || folds.current !== null) await Promise.race(ends);
      else if (underWay.size > 0) await nextLook(lookedAt, signal);
      else if (!folds.more) break;
    }
  } finally {
    await Promise.all([...underWay, folds.current]);
  }
  folds.throwIfFailed();
  addCounts(counts, { marks: folds.marks });
  return counts;
}

/** Folds one after the other, each no sooner than it is worth it. */
class Folds {
  readonly #stages: Stages;
  #startedAt = Number.NEGATIVE_INFINITY;
  #failure: { error: unknown } | null = null;
  /** Ends with the fold under way, whatever becomes of it; null while there is none. */
  current: Promise<void> | null = null;
  /** The last fold left marks that can be folded. */
  more = false;
  marks = 0;

  constructor(stages: Stages) {
    this.#stages = stages;
  }

  startIfDue(now: number): void {
    if (this.current !== null || (!this.more && now - this.#startedAt < FOLD_EVERY_MS)) return;
    this.#startedAt = now;
    this.current = this.#fold().finally(() => {
      this.current = null;
    });
  }

  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #fold(): Promise<void> {
    try {
      const { marks, more } = await this.#stages.fold();
      this.marks += marks;
      this.more = more;
    } catch (error) {
      this.#failure = { error };
    }
  }
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
