import { thoroughAgainInMs } from './thorough.ts';

/**
 * Where to look for marks. Deleted marks stay in the index while a dump is open, so a look from the beginning grows
 * slow; but a transaction that commits late brings a mark with a lower id than was folded. So the quick look starts
 * at an id that trails behind by `trailMs`, which meets every transaction shorter than that, and a thorough look from
 * the beginning, as often as it is cheap, meets the rest.
 */
export class Watermark {
  #floor = '0';
  #seen: { id: string; at: number }[] = [];
  #thoroughAt = 0;
  readonly #trailMs: number;

  constructor(trailMs = 10_000) {
    this.#trailMs = trailMs;
  }

  /** The id after which to look, at `now` (milliseconds). */
  from(now: number): { id: string; isThorough: boolean } {
    if (now >= this.#thoroughAt) return { id: '0', isThorough: true };
    return { id: this.#floor, isThorough: false };
  }

  /**
   * What a look found.
   * @param highest the id up to which every mark that was seen is folded; null when none was
   * @param thorough for a look from the beginning: how long it took, and whether nothing that could be folded is left
   */
  looked(now: number, highest: string | null, thorough: { tookMs: number; isComplete: boolean } | null): void {
    if (highest !== null) this.#seen.push({ id: highest, at: now });
    const old = this.#seen.filter(({ at }) => at <= now - this.#trailMs);
    this.#seen = this.#seen.filter(({ at }) => at > now - this.#trailMs);
    for (const { id } of old) if (BigInt(id) > BigInt(this.#floor)) this.#floor = id;
    if (thorough?.isComplete) this.#thoroughAt = now + thoroughAgainInMs(thorough.tookMs);
  }
}
