import { loadWatches } from './capture/registry.ts';
import type { Db } from './database/connect.ts';
import type { Log } from './log.ts';
import { Fold, type ResolvableWatch } from './outbox/fold.ts';

const WATCHES_EVERY_MS = 5_000;

/** Folds for a worker, by what watches mean just now. */
export class Folding {
  readonly #db: Db;
  readonly #log: Log;
  readonly #fold: Fold;
  #watches: { byId: Map<number, ResolvableWatch>; at: number } = { byId: new Map(), at: 0 };
  #news = 0;
  #broken = new Set<number>();

  constructor(db: Db, log: Log) {
    this.#db = db;
    this.#log = log;
    this.#fold = new Fold(db);
  }

  /** Watches whose marks cannot be followed; their marks stay. */
  get brokenCount(): number {
    return this.#broken.size;
  }

  /** Another number whenever rows may have become due: with each fold that begins, and with what one has found. */
  get news(): number {
    return this.#news;
  }

  async run(): Promise<{ marks: number; more: boolean }> {
    this.#news += 1;
    const { marks, more, broken } = await this.#fold.run(await this.#currentWatches());
    if (marks > 0 || more) this.#news += 1;
    for (const { watch, message } of broken)
      if (!this.#broken.has(watch)) this.#log.warn({ watch, reason: message }, 'marks cannot be followed');
    this.#broken = new Set(broken.map(({ watch }) => watch));
    return { marks, more };
  }

  /** Triggers may be applied while a worker runs: what new watches mean is read again now and then. */
  async #currentWatches(): Promise<Map<number, ResolvableWatch>> {
    if (performance.now() - this.#watches.at > WATCHES_EVERY_MS || this.#watches.byId.size === 0) {
      this.#watches = { byId: await loadWatches(this.#db), at: performance.now() };
    }
    return this.#watches.byId;
  }
}
