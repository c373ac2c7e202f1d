import { setTimeout as delay } from 'node:timers/promises';

const WINDOW_MS = 10_000;
/** Calls leave here evenly and arrive unevenly: the window is kept a little longer than HubSpot's. */
const HELD_MS = WINDOW_MS + 150;

/** Of the limit, what starts evenly only. */
const EVEN = 1 / 3;

/** A limit that several workers share; resolves when one more call may start for all of them together. */
export type SharedPace = { acquire(signal: AbortSignal): Promise<void> };

/**
 * HubSpot allows so many calls in any ten seconds (rolling). A call may start when fewer than that have started in the
 * window. Two thirds of them go as soon as they are wanted, the others evenly: a window that is used up at once would
 * leave a change that comes then waiting for the rest of it. A pause holds everybody. What HubSpot says of its window
 * corrects ours: a lower limit than we were told, and calls of others with the same key. Invariant: starts are handed
 * out in the order they were asked for.
 */
export class Pace {
  readonly #starts: number[] = [];
  /** Those of them that did not wait for their turn among the even ones. */
  readonly #hasty: number[] = [];
  #nextEvenAt = 0;
  readonly #now: () => number;
  readonly #told: number;
  #limit: number;
  #pausedUntil = 0;
  #shared: SharedPace | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(callsPer10s: number, now: () => number = () => performance.now()) {
    this.#told = callsPer10s;
    this.#limit = callsPer10s;
    this.#now = now;
  }

  /** Calls in ten seconds that are allowed now. */
  get limit(): number {
    return this.#limit;
  }

  /** The limit is shared with other workers from now on; null ends that. */
  share(shared: SharedPace | null): void {
    this.#shared = shared;
  }

  /** Resolves when the next call may start. Rejects with the signal's reason. */
  acquire(signal: AbortSignal): Promise<void> {
    const turn = this.#queue.then(() => this.#wait(signal));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Nobody starts a call for so long. */
  pause(delayMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#now() + delayMs);
  }

  /**
   * Corrects itself by HubSpot's headers: `X-HubSpot-RateLimit-Max` and `-Remaining`, of a window of ten seconds.
   * Calls of ours that are still on their way are not in what HubSpot counts, so a remainder below ours is others' doing.
   */
  learn(headers: Readonly<Record<string, string>>): void {
    const [max, remaining, intervalMs] = ['max', 'remaining', 'interval-milliseconds'].map((name) =>
      count(headers[`x-hubspot-ratelimit-${name}`]),
    );
    if (max === undefined || max < 1 || (intervalMs !== undefined && intervalMs !== WINDOW_MS)) return;
    this.#limit = Math.min(this.#told, max);
    if (remaining === undefined) return;
    this.#forget();
    const left = this.#limit - this.#starts.length;
    const others = Math.min(left, left - remaining);
    for (let each = 0; each < others; each += 1) this.#noteHasty();
  }

  async #wait(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const waitMs = this.#waitMs();
      if (waitMs <= 0) break;
      await delay(waitMs, undefined, { signal });
    }
    await this.#shared?.acquire(signal);
    if (this.#untilEvenMs() <= 0) this.#noteEven();
    else this.#noteHasty();
  }

  #waitMs(): number {
    this.#forget();
    return Math.max(this.#untilFreeMs(), this.#pausedUntil - this.#now());
  }

  #untilFreeMs(): number {
    const untilHastyMs = this.#untilFewerMs(this.#hasty, this.#limit - this.#evenCalls);
    return Math.max(this.#untilFewerMs(this.#starts, this.#limit), Math.min(this.#untilEvenMs(), untilHastyMs));
  }

  #untilEvenMs(): number {
    return this.#evenCalls > 0 ? this.#nextEvenAt - this.#now() : Number.POSITIVE_INFINITY;
  }

  /** Until fewer than `limit` of these starts lie within the window. */
  #untilFewerMs(starts: readonly number[], limit: number): number {
    const last = starts[starts.length - limit];
    return last === undefined ? 0 : last + HELD_MS - this.#now();
  }

  #noteHasty(): void {
    this.#starts.push(this.#now());
    this.#hasty.push(this.#now());
  }

  /** One that starts late does not delay the next. */
  #noteEven(): void {
    const everyMs = HELD_MS / this.#evenCalls;
    this.#starts.push(this.#now());
    this.#nextEvenAt = Math.max(this.#nextEvenAt + everyMs, this.#now());
  }

  get #evenCalls(): number {
    return Math.floor(this.#limit * EVEN);
  }

  #forget(): void {
    const since = this.#now() - HELD_MS;
    for (const starts of [this.#starts, this.#hasty])
      while ((starts[0] ?? Number.POSITIVE_INFINITY) <= since) starts.shift();
  }
}

function count(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}
