import type { Db } from './database/connect.ts';
import { tellable } from './database/refusals.ts';
import { isUnavailable } from './database/unavailable.ts';
import type { Gate, Pause } from './gate.ts';
import type { PreparedObject } from './objects.ts';
import { storeBackfillReason } from './outbox/objects.ts';
import type { Pauses } from './pauses.ts';
import { load } from './source/load.ts';
import { QUERY_FAILED } from './source/queryFailed.ts';

const REASON = 'its query did not fit the tables for a while, when changes may not have been noted';

export function queryPause(error: unknown): Pause {
  const reason = `the query of the mapping cannot be run (${tellable(error)}): write it as the tables are now, then run hubspot-outbox triggers apply and backfill`;
  return { scope: 'object', code: QUERY_FAILED, reason };
}

type Parts = { db: Db; gate: Gate; pauses: Pauses; everyMs: number; onError: (error: unknown) => void };

/**
 * Whether the queries still fit the tables. Each is tried now and then without a record: where nothing is due, nobody
 * else would notice that it does not.
 */
export class QueryChecks {
  readonly #parts: Parts;
  #checkedAt = 0;
  #checking: Promise<void> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Beside the pass: a table that is being altered answers late. */
  startIfDue(objects: readonly PreparedObject[], now: number): void {
    const { everyMs, onError } = this.#parts;
    if (this.#checking !== null || now - this.#checkedAt < everyMs) return;
    this.#checkedAt = now;
    this.#checking = this.#check(objects)
      .catch(onError)
      .finally(() => {
        this.#checking = null;
      });
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    await this.#checking;
  }

  isPaused(object: string): boolean {
    return this.#parts.gate.paused().get(object)?.code === QUERY_FAILED;
  }

  /** A trigger on a table that was changed notes nothing, and says nothing: only a backfill finds what it missed. */
  async pause(object: string, pause: Pause): Promise<void> {
    await storeBackfillReason(this.#parts.db, object, REASON);
    await this.#parts.pauses.pause(object, pause);
  }

  async #check(objects: readonly PreparedObject[]): Promise<void> {
    const { db, pauses } = this.#parts;
    for (const { mapping, keyKind } of objects) {
      try {
        await load(db, mapping, keyKind, []);
      } catch (error) {
        // A server that is away, and a table that is just being altered, say nothing about the query.
        if (!isUnavailable(error)) await this.pause(mapping.name, queryPause(error));
        continue;
      }
      if (this.isPaused(mapping.name)) await pauses.end(mapping.name);
    }
  }
}
