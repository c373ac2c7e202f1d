import type { Reply } from './batch.ts';
import { PLANS, type SandboxOptions } from './options.ts';

const WINDOW_MS = 10_000;

/** HubSpot's limits: so many calls in any ten seconds, so many a day. */
export class Limits {
  #starts: number[] = [];
  daily = 0;
  refused = 0;

  /** Counts a call; says what it is refused with, if it is. */
  take(plan: SandboxOptions['plan'], now: number): Reply | null {
    const { per10s, daily } = PLANS[plan];
    while ((this.#starts[0] ?? Number.POSITIVE_INFINITY) <= now - WINDOW_MS) this.#starts.shift();
    if (this.#starts.length >= per10s)
      return this.#refuse('TEN_SECONDLY_ROLLING', 'You have reached your ten_secondly_rolling limit.');
    if (this.daily >= daily) return this.#refuse('DAILY', 'You have reached your daily limit.');
    if (Number.isFinite(per10s)) this.#starts.push(now);
    this.daily += 1;
    return null;
  }

  headers(plan: SandboxOptions['plan']): Record<string, string> {
    const { per10s, daily } = PLANS[plan];
    if (!Number.isFinite(per10s)) return {};
    return {
      'x-hubspot-ratelimit-max': String(per10s),
      'x-hubspot-ratelimit-remaining': String(Math.max(0, per10s - this.#starts.length)),
      'x-hubspot-ratelimit-interval-milliseconds': String(WINDOW_MS),
      'x-hubspot-ratelimit-daily': String(daily),
      'x-hubspot-ratelimit-daily-remaining': String(Math.max(0, daily - this.daily)),
    };
  }

  reset(): void {
    this.#starts = [];
    this.daily = 0;
    this.refused = 0;
  }

  #refuse(policyName: string, message: string): Reply {
    this.refused += 1;
    return {
      status: 429,
      body: {
        status: 'error',
        message,
        errorType: 'RATE_LIMIT',
        correlationId: 'c033cdaa-2c40-4a64-ae48-b4cec88dad24',
        policyName,
      },
    };
  }
}
