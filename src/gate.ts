import type { Log } from './log.ts';

/** Why nothing is sent for now. A pause is about the mapping, the key or HubSpot as a whole, never about a record. */
export type Pause = {
  /** `worker` stops every object. */
  scope: 'object' | 'worker';
  code: string;
  /** One sentence for a person; holds no property value. */
  reason: string;
  /** How long until the next look, where it is not the usual. */
  delayMs?: number;
  /** How long until it is over by itself, looked at or not: a limit of the day ends with the day. */
  endsInMs?: number;
};

export type Paused = Pause & { since: number; until: number; endsAt: number };

/**
 * Which objects may send. States of a name: open → paused (until a moment) → looking (one batch goes out) → open when
 * that batch was answered, paused again when it was refused the same way.
 * Invariant: while a name is paused no row of it is claimed, so nothing waits in memory.
 */
export class Gate {
  readonly #pauses = new Map<string, Paused>();
  readonly #log: Log;
  readonly #lookAgainMs: number;
  readonly #now: () => number;

  constructor(log: Log, lookAgainMs: number, now: () => number = Date.now) {
    this.#log = log;
    this.#lookAgainMs = lookAgainMs;
    this.#now = now;
  }

  /** Pauses an object, or all of them; the same reason again only moves the end. Returns whether it is news. */
  pause(object: string, pause: Pause): boolean {
    const name = pause.scope === 'worker' ? '*' : object;
    const earlier = this.#pauses.get(name);
    const now = this.#now();
    const until = Math.max(earlier?.until ?? 0, now + (pause.delayMs ?? this.#lookAgainMs));
    const endsAt = now + (pause.endsInMs ?? Number.POSITIVE_INFINITY);
    this.#pauses.set(name, { ...pause, since: earlier?.since ?? now, until, endsAt });
    const isNews = earlier?.code !== pause.code;
    if (isNews) this.#log.warn({ object: name, code: pause.code, reason: pause.reason }, 'paused');
    return isNews;
  }

  /** HubSpot answered for this object: whatever paused it is mended. Returns whether anything was paused. */
  open(object: string): boolean {
    const had = [object, '*'].filter((name) => this.#pauses.delete(name));
    for (const name of had) this.#log.info({ object: name }, 'resumed');
    return had.length > 0;
  }

  /** Whether rows of this object may be claimed now. */
  isOpen(object: string): boolean {
    this.#forgetEnded();
    const now = this.#now();
    return [object, '*'].every((name) => (this.#pauses.get(name)?.until ?? 0) <= now);
  }

  /** Whether the next batch of this object is a look whether the cause is mended. */
  isLooking(object: string): boolean {
    return this.isOpen(object) && [object, '*'].some((name) => this.#pauses.has(name));
  }

  /** What is paused now, by object; `*` is the whole worker. */
  paused(): Map<string, Paused> {
    this.#forgetEnded();
    return new Map(this.#pauses);
  }

  #forgetEnded(): void {
    for (const [name, { endsAt }] of this.#pauses) {
      if (endsAt > this.#now()) continue;
      this.#pauses.delete(name);
      this.#log.info({ object: name }, 'resumed');
    }
  }
}
