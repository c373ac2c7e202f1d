import { limitReached, type Reply } from './answers.ts';
import { allowance, type SandboxOptions } from './options.ts';

const WINDOW_MS = 10_000;

/** HubSpot's limits: so many calls in any ten seconds, so many a day. */
export class Limits {
  #starts: number[] = [];
  daily = 0;
  refused = 0;

  /** Counts a call; says what it is refused with, if it is. */
  take(options: SandboxOptions, now: number): Reply | null {
    const { per10s, daily } = allowance(options);
    while ((this.#starts[0] ?? Number.POSITIVE_INFINITY) <= now - WINDOW_MS) this.#starts.shift();
    if (this.#starts.length >= per10s) return this.#refuse('TEN_SECONDLY_ROLLING');
    if (this.daily >= daily) return this.#refuse('DAILY');
    if (Number.isFinite(per10s)) this.#starts.push(now);
    this.daily += 1;
    return null;
  }

  headers(options: SandboxOptions): Record<string, string> {
    const { per10s, daily } = allowance(options);
    return {
      ...(Number.isFinite(per10s) && {
        'x-hubspot-ratelimit-max': String(per10s),
        'x-hubspot-ratelimit-remaining': String(Math.max(0, per10s - this.#starts.length)),
        'x-hubspot-ratelimit-interval-milliseconds': String(WINDOW_MS),
      }),
      ...(Number.isFinite(daily) && {
        'x-hubspot-ratelimit-daily': String(daily),
        'x-hubspot-ratelimit-daily-remaining': String(Math.max(0, daily - this.daily)),
      }),
    };
  }

  reset(): void {
    this.#starts = [];
    this.daily = 0;
    this.refused = 0;
  }

  #refuse(policy: 'TEN_SECONDLY_ROLLING' | 'DAILY'): Reply {
    this.refused += 1;
    return limitReached(policy);
  }
}
