import { setTimeout as delay } from 'node:timers/promises';

const WINDOW_MS = 10_000;
/** Calls leave here evenly and arrive unevenly: the window is kept a little longer than HubSpot's. */
const MARGIN_MS = 150;

/**
 * HubSpot allows so many calls in any ten seconds (rolling). A call may start when fewer than that have started in the
 * window; a pause holds everybody. Invariant: starts are handed out in the order they were asked for.
 */
export class Pace {
  readonly #starts: number[] = [];
  readonly #limit: number;
  readonly #now: () => number;
  #pausedUntil = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(callsPer10s: number, now: () => number = () => performance.now()) {
    this.#limit = callsPer10s;
    this.#now = now;
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

  async #wait(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const waitMs = this.#waitMs();
      if (waitMs <= 0) break;
      await delay(waitMs, undefined, { signal });
    }
    this.#starts.push(this.#now());
  }

  #waitMs(): number {
    const now = this.#now();
    const oldest = this.#starts.length < this.#limit ? undefined : this.#starts[0];
    if (this.#starts.length >= this.#limit && oldest !== undefined && oldest + WINDOW_MS + MARGIN_MS <= now)
      this.#starts.shift();
    const full = this.#starts.length < this.#limit ? 0 : (this.#starts[0] ?? now) + WINDOW_MS + MARGIN_MS - now;
    return Math.max(full, this.#pausedUntil - now);
  }
}
