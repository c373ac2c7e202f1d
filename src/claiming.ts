import type { Batch } from './batch/runBatch.ts';
import type { Settings } from './config/settings.ts';
import type { Db } from './database/connect.ts';
import type { Folding } from './folding.ts';
import type { PreparedObject } from './objects.ts';
import { claim } from './outbox/claim.ts';
import { DueFloor } from './outbox/dueFloor.ts';
import type { Traffic } from './traffic.ts';

type Parts = { db: Db; workerId: string; settings: Settings; traffic: Traffic; folding: Folding };

/** The looks for due rows of one object. */
type Looks = {
  floor: DueFloor;
  count: number;
  /** The news of the fold when all that was due had been claimed; null when there may be more. */
  exhaustedAt: number | null;
};

/** Claims for a worker: whose turn it is, and whether and in what order due rows are looked for. */
export class Claiming {
  readonly #parts: Parts;
  readonly #looks = new Map<string, Looks>();
  #turn = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * The next batch; null when nothing is due or may be sent. Objects take turns. While more is due than one claim takes,
   * each second look asks for what has waited longest, so that nothing starves; else it is all the same, and the oldest
   * are the cheaper to find.
   */
  async next(objects: readonly PreparedObject[], signal: AbortSignal): Promise<Batch | null> {
    const { db, workerId, settings, traffic, folding } = this.#parts;
    const { batchSize, leaseMs, lateWriteMs } = settings;
    const limit = traffic.isFailing ? 1 : batchSize;
    for (const _ of objects) {
      const object = objects[this.#turn++ % objects.length];
      if (object === undefined || signal.aborted) return null;
      // Without HubSpot's definitions nothing can be converted: what is good would be refused.
      if (object.definitions === null) continue;
      if (!traffic.mayStart(object.mapping.name)) continue;
      const looks = this.#looksOf(object.mapping.name);
      const { news } = folding;
      // What becomes due meanwhile is met beside the next fold, a moment later.
      if (looks.exhaustedAt === news) continue;
      const hadMore = looks.exhaustedAt === null;
      const order = hadMore && looks.count++ % 2 === 0 ? 'fresh' : 'oldest';
      const options = { workerId, limit, leaseMs, lateWriteMs, order, floor: looks.floor } as const;
      const claimed = await claim(db, object.mapping.name, options);
      looks.exhaustedAt = claimed.mayBeMore ? null : news;
      if (claimed.rows.length > 0) return { object, claim: claimed };
    }
    return null;
  }

  #looksOf(object: string): Looks {
    const looks = this.#looks.get(object) ?? { floor: new DueFloor(), count: 0, exhaustedAt: null };
    this.#looks.set(object, looks);
    return looks;
  }
}
