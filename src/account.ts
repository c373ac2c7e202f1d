import type { CallBudget } from './budget.ts';
import type { Db } from './database/connect.ts';
import { type DefinitionSource, type Learnt, learnDefinitions } from './definitions.ts';
import type { Hubspot } from './hubspot/client.ts';
import type { PreparedObject } from './objects.ts';

const DEFINITIONS_EVERY_MS = 600_000;
const DEFINITIONS_RETRY_MS = 30_000;

type Parts = { db: Db; hubspot: Hubspot; budget: CallBudget; objects: PreparedObject[]; signal: AbortSignal };

/** What a worker knows of the HubSpot account: its properties, and the time zone by which it counts days. */
export class Account {
  readonly #parts: Parts;
  #source: DefinitionSource = 'none';
  #learntAt = Number.NEGATIVE_INFINITY;
  #knowsZone = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Where the property definitions came from. */
  get source(): DefinitionSource {
    return this.#source;
  }

  /** Definitions that came from HubSpot are good for a while; others are asked for again soon. */
  get isStale(): boolean {
    const everyMs = this.#source === 'live' ? DEFINITIONS_EVERY_MS : DEFINITIONS_RETRY_MS;
    return this.isOlderThan(everyMs);
  }

  isOlderThan(ms: number): boolean {
    return performance.now() - this.#learntAt > ms;
  }

  async learn(): Promise<Learnt> {
    const { db, hubspot, objects, signal } = this.#parts;
    await this.#learnZone();
    const learnt = await learnDefinitions(db, hubspot, objects, signal);
    this.#source = learnt.source;
    this.#learntAt = performance.now();
    return learnt;
  }

  async #learnZone(): Promise<void> {
    if (this.#knowsZone) return;
    const { status, body } = await this.#parts.hubspot.account(this.#parts.signal);
    const { timeZone } = (body ?? {}) as { timeZone?: unknown };
    if (status === 200 && typeof timeZone === 'string') this.#parts.budget.useZone(timeZone);
    this.#knowsZone = status === 200;
  }
}
