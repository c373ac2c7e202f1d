import { thoroughAgainInMs } from './thorough.ts';

/**
 * Longer than transactions of ours take, whose rows are due since they began and are seen when they end. Not much longer:
 * while a dump is open, what was settled since then still stands here.
 */
const TRAIL_MS = 3_000;

export type Look = {
  /** By the monotonic clock, before the database was asked. */
  at: number;
  tookMs: number;
  /** From the beginning, and no due row was left out before those that it found. */
  isThorough: boolean;
  /** Of the oldest due row; 0 when none is due, null when the look does not say. */
  oldestAgeMs: number | null;
};

/**
 * How far back to look for the due rows of an object. What is pending no longer stays in the index while a dump is open,
 * so a look from the beginning grows slow. But rows become due at about the time they are written: none is older than
 * the oldest that was seen last. A look from the beginning, as often as it is cheap, meets what is all the same: a claim
 * that nobody settled, a transaction that took very long, or a time written by hand.
 */
export class DueFloor {
  #oldest: { ageMs: number; at: number } | null = null;
  #thoroughAt = Number.NEGATIVE_INFINITY;

  /** How long ago rows may have become due that are worth a look at `now`; null: whenever. */
  withinMs(now: number): number | null {
    if (this.#oldest === null || now >= this.#thoroughAt) return null;
    return this.#oldest.ageMs + (now - this.#oldest.at) + TRAIL_MS;
  }

  looked({ at, tookMs, isThorough, oldestAgeMs }: Look): void {
    if (oldestAgeMs !== null) this.#oldest = { ageMs: Math.max(0, oldestAgeMs), at };
    if (isThorough) this.#thoroughAt = at + thoroughAgainInMs(tookMs);
  }
}
