import type { Db } from './database/connect.ts';
import { describe } from './database/refusals.ts';
import { isUnavailable, takesNoWrites } from './database/unavailable.ts';
import type { Log } from './log.ts';
import { storeBackfillReason } from './outbox/objects.ts';

const REASON = 'the outbox took no writes for a while, when changes may not have been noted';

/** Whether the database is there for the worker: told once when it goes away, and once when it is back. */
export class Availability {
  readonly #db: Db;
  readonly #log: Log;
  readonly #objects: readonly string[];
  #isDown = false;
  #mayMissMarks = false;

  constructor(db: Db, log: Log, objects: readonly string[]) {
    this.#db = db;
    this.#log = log;
    this.#objects = objects;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** Something failed, for whatever reason. */
  failed(error: unknown): void {
    // Triggers swallow it when they cannot append: an administrator may write while our accounts may not.
    this.#mayMissMarks ||= takesNoWrites(error);
    if (!isUnavailable(error)) {
      this.#log.error({ reason: describe(error) }, 'pass failed');
      return;
    }
    // Told once, not every second for as long as it lasts.
    if (!this.#isDown) this.#log.error({ reason: describe(error) }, 'database is away');
    this.#isDown = true;
  }

  /** The database did what a fold asked of it. */
  async answered(): Promise<void> {
    // A fold of nothing writes nothing: only what is stored here shows that writes are taken.
    if (this.#mayMissMarks) for (const object of this.#objects) await storeBackfillReason(this.#db, object, REASON);
    this.#mayMissMarks = false;
    if (this.#isDown) this.#log.info('database is back');
    this.#isDown = false;
  }
}
