import type { Db, Trx } from '../database/connect.ts';
import type { KeyKind } from '../keys.ts';
import { type Bursts, findBulk } from './bursts.ts';
import { enqueue } from './enqueue.ts';
import { whileFolding } from './foldLock.ts';
import { deleteMarks, isAnyNoted, keepProgress, type Mark, readNewest, readOldest } from './marks.ts';
import { type Broken, resolveMarks } from './resolve.ts';
import { Watermark } from './watermark.ts';

/** What the fold needs to know of a watch. */
export type ResolvableWatch = {
  id: number;
  object: string;
  /** How the record's key is written. */
  keyKind: KeyKind;
  /** How the noted value is written. */
  noteKind: KeyKind;
  /** Null: the noted value is the record's id. */
  records: RecordsSql | null;
};

export type RecordsSql = {
  /** `SELECT DISTINCT <key> AS id FROM … WHERE … IN (:keys)`, to which a page condition on `key` can be added. */
  select: string;
  /** The key's column as the SELECT names it. */
  key: string;
};

export type Folded = {
  marks: number;
  rows: number;
  /** More marks wait that can be folded. */
  more: boolean;
  /** Watches that cannot be followed now; their marks stay, and are tried again every minute. */
  broken: Broken[];
};

const CHUNK = 5_000;
const NEWEST = 500;
const TRY_AGAIN_MS = 60_000;

/**
 * Folds marks into rows, a bounded portion at a time. Lives as long as its worker: it remembers where to look, which
 * mass changes are under way, and which watches are broken.
 */
export class Fold {
  readonly #db: Db;
  readonly #chunk: number;
  readonly #watermark: Watermark;
  readonly #broken = new Map<number, Broken & { until: number }>();
  #bursts: Bursts = new Map();

  constructor(db: Db, { chunk = CHUNK, trailMs }: { chunk?: number; trailMs?: number } = {}) {
    this.#db = db;
    this.#chunk = chunk;
    this.#watermark = new Watermark(trailMs);
  }

  /** Folds one portion, and is asked for the next only when it has ended. Does nothing while another worker folds. */
  async run(watches: ReadonlyMap<number, ResolvableWatch>, now = Date.now()): Promise<Folded> {
    const skipped = this.#skipped(watches, now);
    const from = this.#watermark.from(now);
    const began = performance.now();
    // Most looks find nothing, and that takes neither the lock nor a transaction.
    if (!(await isAnyNoted(this.#db, from.id, skipped))) {
      this.#bursts = findBulk([], this.#bursts).bursts;
      this.#noteBroken([], watches, now);
      const tookMs = performance.now() - began;
      this.#watermark.looked(now, null, from.isThorough ? { tookMs, isComplete: true } : null);
      return { marks: 0, rows: 0, more: false, broken: this.#brokenNow() };
    }
    const portion = await whileFolding(this.#db, async (trx) => {
      const found = await this.#read(trx, from.id, skipped);
      return { ...found, ...(await foldMarks(trx, found.marks, watches, found.bulk)) };
    });
    if (portion === null) return { marks: 0, rows: 0, more: false, broken: this.#brokenNow() };

    this.#bursts = portion.bursts;
    this.#noteBroken(portion.broken, watches, now);
    const more = portion.isFull || portion.unfinished.length > 0;
    const highest = portion.last === undefined ? null : foldedUpTo(portion.last, portion.unfinished);
    this.#watermark.looked(now, highest, from.isThorough ? { tookMs: portion.tookMs, isComplete: !more } : null);
    return { marks: portion.done, rows: portion.rows, more, broken: this.#brokenNow() };
  }

  async #read(trx: Trx, after: string, skipped: readonly number[]) {
    const began = performance.now();
    const oldest = await readOldest(trx, after, this.#chunk, skipped);
    const tookMs = performance.now() - began;
    const last = oldest.at(-1)?.id;
    const isFull = oldest.length === this.#chunk;
    // The newest as well, so that a change noted behind a mass change does not wait until that is folded.
    const newest = isFull && last !== undefined ? await readNewest(trx, last, NEWEST, skipped) : [];
    const marks = [...oldest, ...newest];
    return { marks, last, isFull, tookMs, ...findBulk(marks, this.#bursts) };
  }

  /** A watch that nothing is stored about is tried as soon as something is. */
  #skipped(watches: ReadonlyMap<number, ResolvableWatch>, now: number): number[] {
    return [...this.#broken].flatMap(([watch, { until, isUnknown }]) =>
      (isUnknown ? !watches.has(watch) && until > now : until > now) ? [watch] : [],
    );
  }

  #brokenNow(): Broken[] {
    return [...this.#broken.values()].map(({ until: _, ...broken }) => broken);
  }

  #noteBroken(broken: readonly Broken[], watches: ReadonlyMap<number, ResolvableWatch>, now: number): void {
    for (const [watch, { until, isUnknown }] of this.#broken) {
      if (until <= now || (isUnknown && watches.has(watch))) this.#broken.delete(watch);
    }
    for (const each of broken) this.#broken.set(each.watch, { ...each, until: now + TRY_AGAIN_MS });
  }
}

type Done = { done: number; rows: number; unfinished: string[]; broken: Broken[] };

/** In one transaction rows are enqueued and the marks that asked for them are gone, or neither. */
async function foldMarks(
  trx: Trx,
  marks: readonly Mark[],
  watches: ReadonlyMap<number, ResolvableWatch>,
  bulk: ReadonlySet<string>,
): Promise<Done> {
  const resolved = await resolveMarks(trx, marks, watches, bulk);
  let rows = 0;
  for (const [object, wanted] of [...resolved.wanted].sort()) {
    await enqueue(trx, object, [...wanted.values()]);
    rows += wanted.size;
  }
  await deleteMarks(trx, resolved.done);
  for (const { markIds, expandedTo } of resolved.expansions) await keepProgress(trx, markIds, expandedTo);
  const unfinished = [...resolved.expansions.flatMap(({ markIds }) => markIds), ...resolved.postponed];
  return { done: resolved.done.length, rows, unfinished, broken: resolved.broken };
}

/** The id below which nothing that was read is left to do. */
function foldedUpTo(last: string, unfinished: readonly string[]): string {
  const first = unfinished.reduce((least, id) => (BigInt(id) <= least ? BigInt(id) - 1n : least), BigInt(last));
  return String(first);
}
