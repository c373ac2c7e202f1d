import type { BatchResult } from './batch/runBatch.ts';
import type { CallBudget } from './budget.ts';
import type { Gate, Pause } from './gate.ts';
import type { Breaker } from './hubspot/breaker.ts';
import type { Stop } from './hubspot/deliver.ts';
import type { Pace } from './hubspot/pace.ts';

export type TrafficParts = { gate: Gate; breaker: Breaker; pace: Pace; budget: CallBudget; concurrency: number };

/** A limit of the day is asked about again now and then: it may have been raised. */
const PROBE_DAILY_MS = 15 * 60_000;
const LONGEST_PACE_PAUSE_MS = 60_000;
/** After `423 Locked` fewer batches go out together, for so long. */
const CALM_MS = 60_000;
/** Batches in a row with which HubSpot failed. */
const FAILING_AFTER = 3;

/**
 * Decides whether a batch may start, by all that can stand against it: pauses of an object or of everything, the
 * circuit, the day's budget; and what follows from how a batch ended. Invariant: where nothing may be sent, no row is
 * claimed, so what waits, waits in the outbox.
 */
export class Traffic {
  readonly #parts: TrafficParts;
  readonly #underWay = new Map<string, number>();
  #faultsInARow = 0;
  #calm = { concurrency: Number.POSITIVE_INFINITY, until: 0 };

  constructor(parts: TrafficParts) {
    this.#parts = parts;
  }

  /** Answers in a row with which HubSpot failed. */
  get faultsInARow(): number {
    return this.#faultsInARow;
  }

  /**
   * One record tries whether HubSpot takes anything: in a whole batch the one that makes it fail would come along each
   * time.
   */
  get isFailing(): boolean {
    return this.#parts.breaker.state === 'half-open' || this.#faultsInARow >= FAILING_AFTER;
  }

  mayStart(object: string): boolean {
    const { gate, breaker, budget } = this.#parts;
    if (!gate.isOpen(object) || breaker.state === 'open' || this.#count() >= this.#concurrency()) return false;
    if (budget.isSpent) return false;
    // One batch tries whether HubSpot is back, and one of an object whether what paused it is mended.
    if (breaker.state === 'half-open' && this.#count() > 0) return false;
    return !(gate.isLooking(object) && this.#count(object) > 0);
  }

  started(object: string): void {
    this.#underWay.set(object, this.#count(object) + 1);
  }

  ended(object: string): void {
    this.#underWay.set(object, this.#count(object) - 1);
  }

  /** The day's own budget of calls is used up: rest until tomorrow. Null while it is not. */
  budgetPause(): Pause | null {
    const { budget } = this.#parts;
    if (!budget.isSpent) return null;
    return {
      scope: 'worker',
      code: 'CALLS_PER_DAY',
      reason: `the ${budget.callsPerDay} calls of settings.calls_per_day are used up; it goes on at midnight, ${budget.zone}`,
      delayMs: Math.min(PROBE_DAILY_MS, budget.untilMidnightMs),
      endsInMs: budget.untilMidnightMs,
    };
  }

  /** What follows from how a batch ended: a pause, or null; `isAnswered` when what paused the object is mended. */
  heed({ stop, trip, wasAnswered }: BatchResult): { pause: Pause | null; isAnswered: boolean } {
    if (stop?.kind === 'fault') this.#faultsInARow += 1;
    else if (wasAnswered) this.#faultsInARow = 0;
    if (trip !== null) {
      const what = trip.property === undefined ? trip.code : `${trip.code} of ${trip.property}`;
      const reason = `${trip.refused} of ${trip.sent} records were refused for ${what}: that is more likely the mapping than the records. Mend it, or let them be poisoned with hubspot-outbox resume`;
      return { pause: { scope: 'object', code: 'TOO_MANY_REFUSED', reason }, isAnswered: false };
    }
    return { pause: stop === null ? null : this.#pauseFor(stop), isAnswered: stop === null && wasAnswered };
  }

  #pauseFor(stop: Stop): Pause | null {
    const { pace, budget } = this.#parts;
    switch (stop.kind) {
      case 'mapping':
        return { scope: 'object', code: stop.code, reason: stop.reason };
      case 'account':
        return { scope: 'worker', code: stop.code, reason: stop.reason };
      case 'fault':
        return null;
      case 'wait':
        if (stop.code === 'HTTP_423') this.#calmDown();
        if (stop.code === 'DAILY') {
          const reason = `HubSpot's limit of calls a day is reached; it goes on at midnight, ${budget.zone}`;
          const delayMs = Math.min(PROBE_DAILY_MS, budget.untilMidnightMs);
          return { scope: 'worker', code: stop.code, reason, delayMs, endsInMs: budget.untilMidnightMs };
        }
        pace.pause(Math.min(stop.delayMs, LONGEST_PACE_PAUSE_MS));
        return stop.delayMs <= LONGEST_PACE_PAUSE_MS
          ? null
          : { scope: 'worker', code: stop.code, reason: 'HubSpot asks to wait', delayMs: stop.delayMs };
    }
  }

  #calmDown(): void {
    this.#calm = { concurrency: Math.max(1, Math.floor(this.#concurrency() / 2)), until: performance.now() + CALM_MS };
  }

  #concurrency(): number {
    const { concurrency } = this.#parts;
    return this.#calm.until > performance.now() ? Math.min(concurrency, this.#calm.concurrency) : concurrency;
  }

  #count(object?: string): number {
    if (object !== undefined) return this.#underWay.get(object) ?? 0;
    return [...this.#underWay.values()].reduce((sum, count) => sum + count, 0);
  }
}
