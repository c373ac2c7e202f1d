import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { randomFrom } from '../../examples/shop/random.ts';
import type { Db } from '../../src/database/connect.ts';
import type { Claim } from '../../src/outbox/claim.ts';
import { Fold } from '../../src/outbox/fold.ts';
import { settle } from '../../src/outbox/settle.ts';
import {
  claim,
  countMarks,
  countRows,
  emptyOutbox,
  enqueueIds,
  noteMarks,
  type Outbox,
  openOutbox,
  ROOT_WATCH,
  range,
  watchMap,
} from './outbox.ts';

const WORKERS = 5;
const ROWS = 3_000;

let outbox: Outbox;
let workers: Db[];
beforeAll(async () => {
  outbox = await openOutbox();
  workers = await Promise.all(Array.from({ length: WORKERS }, () => outbox.another()));
});
afterAll(() => outbox.close());
beforeEach(() => emptyOutbox(outbox.db));

const idsOf = ({ rows }: Claim) => rows.map(({ sourceId }) => sourceId);

/** Who holds which row now; tells of every row that two hold at once. */
class Holders {
  readonly overlaps: string[] = [];
  readonly #held = new Map<string, string>();

  take(claimed: Claim): void {
    for (const id of idsOf(claimed)) {
      const holder = this.#held.get(id);
      if (holder !== undefined) this.overlaps.push(`${id}: ${holder} and ${claimed.token}`);
      this.#held.set(id, claimed.token);
    }
  }

  /** Before the settle: as soon as that is through, another may claim. */
  release(claimed: Claim): void {
    for (const id of idsOf(claimed)) if (this.#held.get(id) === claimed.token) this.#held.delete(id);
  }
}

describe('five workers on one outbox', () => {
  it('settle every row once, none held by two, none left', async () => {
    await enqueueIds(outbox.db, range(1, ROWS));
    const holders = new Holders();
    const settledBy = await Promise.all(
      workers.map(async (db, index) => {
        let settled = 0;
        while ((await countRows(db, "status = 'pending'")) > 0) {
          const claimed = await claim(db, { workerId: `w${index}`, limit: 50, order: index % 2 ? 'oldest' : 'fresh' });
          if (claimed.rows.length === 0) continue;
          holders.take(claimed);
          await db.raw('SELECT 1');
          holders.release(claimed);
          const outcomes = idsOf(claimed).map((sourceId) => ({ kind: 'unchanged' as const, sourceId }));
          const result = await settle(db, claimed, outcomes);
          expect(result).toEqual({ settled: outcomes.length, lost: 0 });
          settled += result.settled;
        }
        return settled;
      }),
    );
    expect(holders.overlaps).toEqual([]);
    expect(settledBy.reduce((sum, each) => sum + each, 0)).toBe(ROWS);
    expect(await countRows(outbox.db, "status = 'synced' AND claimed_by IS NULL AND revision = 1")).toBe(ROWS);
  });

  it('fold, claim and settle beside an application that notes: at last nothing waits, and each last change was seen', async () => {
    const application = await outbox.another();
    const watches = watchMap(ROOT_WATCH);
    const holders = new Holders();
    /** What each record is at its source, and what was read of it by the settle that counted last. */
    const source = new Map<string, number>();
    const seen = new Map<string, number>();
    let isWriting = true;

    const write = async () => {
      const random = randomFrom(71);
      for (let round = 0; round < 300; round += 1) {
        const keys = Array.from({ length: random.integer(1, 20) }, () => String(random.integer(1, 400)));
        for (const key of keys) source.set(key, (source.get(key) ?? 0) + 1);
        await noteMarks(
          application,
          keys.map((key) => ({ key, session: random.integer(1, 9) })),
        );
      }
      isWriting = false;
    };
    const work = async (db: Db, index: number) => {
      const fold = new Fold(db, { chunk: 200 });
      while (isWriting || (await countMarks(db)) > 0 || (await countRows(db, "status = 'pending'")) > 0) {
        await fold.run(watches);
        const claimed = await claim(db, { workerId: `w${index}`, limit: 30, order: index % 2 ? 'oldest' : 'fresh' });
        if (claimed.rows.length === 0) continue;
        holders.take(claimed);
        const read = new Map(idsOf(claimed).map((id) => [id, source.get(id) ?? 0]));
        await db.raw('SELECT 1');
        for (const [id, value] of read) seen.set(id, value);
        holders.release(claimed);
        await settle(
          db,
          claimed,
          idsOf(claimed).map((sourceId) => ({ kind: 'unchanged', sourceId })),
        );
      }
    };
    await Promise.all([write(), ...workers.map(work)]);

    expect(holders.overlaps).toEqual([]);
    expect(await countMarks(outbox.db)).toBe(0);
    expect(await countRows(outbox.db, "status <> 'synced' OR claimed_by IS NOT NULL")).toBe(0);
    expect(await countRows(outbox.db)).toBe(source.size);
    for (const [id, value] of source) expect(seen.get(id), `record ${id}`).toBe(value);
  });

  it('that lose their lease change nothing: each row ends as its last holder says', async () => {
    await enqueueIds(outbox.db, range(1, 500));
    const late: Claim[] = [];
    for (const [index, db] of workers.entries()) {
      const claimed = await claim(db, { workerId: `late${index}`, limit: 100, leaseMs: 0 });
      expect(claimed.rows).toHaveLength(100);
      late.push(claimed);
    }
    const current = await claim(outbox.db, { workerId: 'current', limit: 500 });
    expect(current.rows).toHaveLength(500);
    const poisoned = late.map((claimed, index) =>
      settle(
        workers[index] ?? outbox.db,
        claimed,
        idsOf(claimed).map((sourceId) => ({ kind: 'poison', sourceId, code: 'LATE', message: 'late' })),
      ),
    );
    const ended = settle(
      outbox.db,
      current,
      idsOf(current).map((sourceId) => ({ kind: 'unchanged', sourceId })),
    );
    for (const result of await Promise.all(poisoned)) expect(result).toEqual({ settled: 0, lost: 100 });
    expect(await ended).toEqual({ settled: 500, lost: 0 });
    expect(await countRows(outbox.db, "status = 'synced' AND error_code IS NULL")).toBe(500);
  });

  it('that die with rows in hand leave them to the others, and nothing is lost', async () => {
    await enqueueIds(outbox.db, range(1, 1_000));
    const [first = outbox.db, ...others] = workers;
    for (let round = 0; round < 4; round += 1) await claim(first, { workerId: 'dead', limit: 100, leaseMs: 1_000 });
    await Promise.all(
      others.map(async (db, index) => {
        while ((await countRows(db, "status = 'pending'")) > 0) {
          const claimed = await claim(db, { workerId: `w${index}`, limit: 100 });
          await settle(
            db,
            claimed,
            idsOf(claimed).map((sourceId) => ({ kind: 'unchanged', sourceId })),
          );
        }
      }),
    );
    expect(await countRows(outbox.db, "status = 'synced'")).toBe(1_000);
  });
});
