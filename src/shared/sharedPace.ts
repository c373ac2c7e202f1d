import { setTimeout as delay } from 'node:timers/promises';
import { type RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Pace, type SharedPace } from '../hubspot/pace.ts';

const ANSWER_WITHIN_MS = 300;
const TRY_AGAIN_AFTER_MS = 2_000;

/**
 * Windows of a second, one after the other: any ten seconds touch eleven of them at most, so that this share of the
 * limit in each keeps all workers together inside HubSpot's rolling window.
 */
export function pointsPerSecond(callsPer10s: number): number {
  return Math.max(1, Math.floor(callsPer10s / 11));
}

/**
 * The limit of all workers together, counted in Redis. While Redis does not answer each worker goes on alone, with an
 * equal share of the limit. States: shared ↔ alone.
 */
export class RedisPace implements SharedPace {
  readonly #limiter: RateLimiterRedis;
  readonly #callsPer10s: number;
  readonly #workers: () => number;
  #alone: { pace: Pace; until: number } | null = null;

  /** @param workers how many share the limit when they cannot ask each other */
  constructor(limiter: RateLimiterRedis, callsPer10s: number, workers: () => number) {
    this.#limiter = limiter;
    this.#callsPer10s = callsPer10s;
    this.#workers = workers;
  }

  /** False while Redis did not answer lately; one that was silent is asked again by the next call. */
  get isShared(): boolean {
    return this.#alone === null || performance.now() >= this.#alone.until;
  }

  async acquire(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#alone !== null && performance.now() < this.#alone.until) return this.#alone.pace.acquire(signal);
      const waitMs = await this.#ask();
      if (waitMs === 0) return;
      if (waitMs === null) this.#goAlone();
      else await delay(waitMs, undefined, { signal });
    }
  }

  /** Milliseconds to wait, 0 when the call may start, null when Redis does not answer. */
  async #ask(): Promise<number | null> {
    const late = AbortSignal.timeout(ANSWER_WITHIN_MS);
    try {
      await Promise.race([this.#limiter.consume('calls'), rejected(late)]);
      this.#alone = null;
      return 0;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) return null;
      this.#alone = null;
      return Math.max(5, refusal.msBeforeNext);
    }
  }

  /** The pace of one that is alone stays from one try to the next: it knows the calls of the last ten seconds. */
  #goAlone(): void {
    const share = Math.max(1, Math.floor(this.#callsPer10s / Math.max(1, this.#workers())));
    this.#alone = { pace: this.#alone?.pace ?? new Pace(share), until: performance.now() + TRY_AGAIN_AFTER_MS };
  }
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
