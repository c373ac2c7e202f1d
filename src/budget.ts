import { DateTime } from 'luxon';
import type { Db } from './database/connect.ts';
import { addCalls, readDatabaseTime } from './outbox/calls.ts';

const FLUSH_EVERY_MS = 1_000;
/** With nothing to write down, for what other workers have called. */
const LOOK_EVERY_MS = 30_000;

/**
 * Calls of today, by all workers together. A day begins at midnight in the time zone of the HubSpot account, as its own
 * daily limit does. Invariant: what was counted is in the database at most a second later, so a restart forgets nothing.
 */
export class CallBudget {
  readonly #db: Db;
  readonly #callsPerDay: number | null;
  #zone = 'UTC';
  #unflushed = 0;
  #today = 0;
  #flushedAt = Number.NEGATIVE_INFINITY;
  #midnightAt = Number.POSITIVE_INFINITY;

  constructor(db: Db, callsPerDay: number | null) {
    this.#db = db;
    this.#callsPerDay = callsPerDay;
  }

  count(): void {
    this.#unflushed += 1;
  }

  get callsToday(): number {
    return this.#today + this.#unflushed;
  }

  get callsPerDay(): number | null {
    return this.#callsPerDay;
  }

  get zone(): string {
    return this.#zone;
  }

  get isSpent(): boolean {
    return this.#callsPerDay !== null && this.callsToday >= this.#callsPerDay;
  }

  /** Milliseconds until the next day begins, by the database's clock as of the last flush. */
  get untilMidnightMs(): number {
    return Math.max(1_000, this.#midnightAt - performance.now());
  }

  useZone(zone: string): void {
    if (DateTime.now().setZone(zone).isValid) this.#zone = zone;
  }

  /** Writes down what was counted, at most once a second unless it must. */
  async flush({ isLast = false } = {}): Promise<void> {
    const everyMs = this.#unflushed > 0 ? FLUSH_EVERY_MS : LOOK_EVERY_MS;
    const isNewDay = performance.now() >= this.#midnightAt;
    if (!isLast && !isNewDay && performance.now() - this.#flushedAt < everyMs) return;
    this.#flushedAt = performance.now();
    const now = DateTime.fromMillis(await readDatabaseTime(this.#db)).setZone(this.#zone);
    const calls = this.#unflushed;
    this.#today = await addCalls(this.#db, now.toISODate() ?? '', calls);
    this.#unflushed -= calls;
    this.#midnightAt = performance.now() + now.plus({ days: 1 }).startOf('day').diff(now).toMillis();
  }
}
