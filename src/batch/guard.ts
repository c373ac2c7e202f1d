import type { Outcome } from '../outbox/settle.ts';

export type GuardSettings = {
  /** Records refused for one reason within the window, above which it may trip. */
  records: number;
  /** Share of the records sent within the window, in percent. */
  percent: number;
};

export type Trip = { code: string; property: string | undefined; refused: number; sent: number };

type Entry = { at: number; sent: number; refused: Map<string, number> };

const WINDOW_MS = 300_000;
const RESUMED_MS = 3_600_000;

/** Reasons that speak of the source's own data, however many records they concern. */
const ORDINARY = ['DUPLICATE_MATCH', 'MISSING_MATCH'];

/**
 * Keeps one mistake from poisoning a whole table: when many records are refused for the same code and property within
 * minutes, the object is to pause, and what was refused in this batch stays pending. Lives as long as its worker.
 */
export class Guard {
  readonly #settings: GuardSettings;
  readonly #entries = new Map<string, Entry[]>();
  readonly #tripped = new Map<string, string>();
  readonly #allowed = new Map<string, number>();

  constructor(settings: GuardSettings) {
    this.#settings = settings;
  }

  /** Whether a batch's refusals are too many, at `now` (milliseconds). */
  judge(object: string, outcomes: readonly Outcome[], now: number): Trip | null {
    const entry = entryOf(outcomes, now);
    const entries = [...(this.#entries.get(object) ?? []), entry].filter(({ at }) => at > now - WINDOW_MS);
    this.#entries.set(object, entries);
    if ((this.#allowed.get(object) ?? 0) > now) return null;
    // While it is paused one batch looks whether the reason is mended: that batch alone decides.
    const earlier = this.#tripped.get(object);
    const trip =
      earlier === undefined
        ? tripOf(entries, this.#settings)
        : tripOf([entry], { records: 0, percent: this.#settings.percent }, earlier);
    if (trip === null) this.#tripped.delete(object);
    else this.#tripped.set(object, reasonKey(trip));
    if (trip === null && earlier !== undefined) this.#entries.delete(object);
    return trip;
  }

  /** Somebody has looked at it and wants these records poisoned: nothing trips for an hour. */
  resume(object: string, now: number): void {
    this.#tripped.delete(object);
    this.#entries.delete(object);
    this.#allowed.set(object, now + RESUMED_MS);
  }
}

/** What was refused for the reason of a trip stays pending instead. */
export function spare(outcomes: readonly Outcome[], trip: Trip, delayMs: number): Outcome[] {
  return outcomes.map((outcome) =>
    outcome.kind === 'poison' && reasonKey(outcome) === reasonKey(trip)
      ? { kind: 'later', sourceId: outcome.sourceId, delayMs, countsAttempt: false }
      : outcome,
  );
}

function entryOf(outcomes: readonly Outcome[], at: number): Entry {
  const entry: Entry = { at, sent: 0, refused: new Map() };
  for (const outcome of outcomes) {
    if (outcome.kind === 'synced') entry.sent += 1;
    if (outcome.kind !== 'poison' || ORDINARY.includes(outcome.code)) continue;
    entry.sent += 1;
    entry.refused.set(reasonKey(outcome), (entry.refused.get(reasonKey(outcome)) ?? 0) + 1);
  }
  return entry;
}

function tripOf(entries: readonly Entry[], { records, percent }: GuardSettings, only?: string): Trip | null {
  const sent = entries.reduce((sum, entry) => sum + entry.sent, 0);
  const refused = new Map<string, number>();
  for (const entry of entries)
    for (const [key, count] of entry.refused) refused.set(key, (refused.get(key) ?? 0) + count);
  for (const [key, count] of refused) {
    if (only !== undefined && key !== only) continue;
    if (count > records && count * 100 > percent * sent) {
      const [code = '', property] = JSON.parse(key) as [string, string?];
      return { code, property, refused: count, sent };
    }
  }
  return null;
}

function reasonKey({ code, property }: { code: string; property?: string | undefined }): string {
  return JSON.stringify(property === undefined ? [code] : [code, property]);
}
