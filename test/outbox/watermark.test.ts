import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Watermark } from '../../src/outbox/watermark.ts';

describe('a watermark', () => {
  it('begins with a look from the beginning, and trails behind afterwards', () => {
    const watermark = new Watermark(10_000);
    expect(watermark.from(0)).toEqual({ id: '0', isThorough: true });
    watermark.looked(0, '500', { tookMs: 1, isComplete: true });
    expect(watermark.from(1)).toEqual({ id: '0', isThorough: false });
    watermark.looked(1_000, '900', null);
    watermark.looked(4_999, '900', null);
    expect(watermark.from(4_999)).toEqual({ id: '0', isThorough: false });
    expect(watermark.from(5_000)).toEqual({ id: '0', isThorough: true });
    watermark.looked(10_000, null, { tookMs: 1, isComplete: true });
    expect(watermark.from(10_001)).toEqual({ id: '500', isThorough: false });
  });

  it('never goes back', () => {
    const watermark = new Watermark(0);
    watermark.looked(0, '500', { tookMs: 1, isComplete: true });
    watermark.looked(1, '20', null);
    expect(watermark.from(2).id).toBe('500');
  });

  it('looks from the beginning rarely when that is slow, and again at once when it was not through', () => {
    const watermark = new Watermark(10_000);
    watermark.looked(0, '1', { tookMs: 1_000, isComplete: true });
    expect(watermark.from(49_999).isThorough).toBe(false);
    expect(watermark.from(50_000).isThorough).toBe(true);
    watermark.looked(50_000, '1', { tookMs: 1_000, isComplete: false });
    expect(watermark.from(50_001).isThorough).toBe(true);
  });

  it('takes ids beyond what a number holds', () => {
    const watermark = new Watermark(0);
    watermark.looked(0, '18446744073709551614', { tookMs: 0, isComplete: true });
    watermark.looked(1, '9007199254740993', null);
    expect(watermark.from(2).id).toBe('18446744073709551614');
  });
});

/** A transaction that takes an id at one time and is seen from another on; or rolls back, and is never seen. */
type Transaction = { id: number; notedAt: number; seenAt: number };

const transactions = fc
  .array(
    fc.record({
      gapMs: fc.integer({ min: 0, max: 2_000 }),
      openMs: fc.oneof(
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 9_999 }),
        fc.integer({ min: 0, max: 90_000 }),
      ),
      commits: fc.integer({ min: 0, max: 9 }).map((digit) => digit > 0),
    }),
    { minLength: 1, maxLength: 80 },
  )
  .map((list) => {
    let now = 0;
    return list.map(({ gapMs, openMs, commits }, index): Transaction => {
      now += gapMs;
      return { id: index + 1, notedAt: now, seenAt: commits ? now + openMs : Number.POSITIVE_INFINITY };
    });
  });

/** Looks every `everyMs`, `limit` marks at a time; when each mark was read. */
function simulate(
  all: Transaction[],
  { trailMs = 10_000, everyMs = 200, limit = 50, tookMs = 1 } = {},
): Map<number, number> {
  const watermark = new Watermark(trailMs);
  const readAt = new Map<number, number>();
  const end = Math.max(...all.map(({ notedAt, seenAt }) => (Number.isFinite(seenAt) ? seenAt : notedAt))) + 300_000;
  for (let now = 0; now <= end; now += everyMs) {
    const from = watermark.from(now);
    const found = all
      .filter(({ id, seenAt }) => seenAt <= now && !readAt.has(id) && BigInt(id) > BigInt(from.id))
      .slice(0, limit);
    for (const { id } of found) readAt.set(id, now);
    const last = found.at(-1);
    watermark.looked(
      now,
      last === undefined ? null : String(last.id),
      from.isThorough ? { tookMs, isComplete: found.length < limit } : null,
    );
  }
  return readAt;
}

describe('marks of transactions that commit in any order', () => {
  const committed = (all: Transaction[]) => all.filter(({ seenAt }) => Number.isFinite(seenAt));

  it('are each read at last, however late they commit', () => {
    fc.assert(
      fc.property(
        transactions,
        fc.constantFrom(0, 1_000, 10_000),
        fc.integer({ min: 1, max: 100 }),
        (all, trailMs, limit) => {
          const readAt = simulate(all, { trailMs, limit });
          for (const { id } of committed(all)) expect(readAt.has(id), `mark ${id}`).toBe(true);
        },
      ),
      { seed: 21, numRuns: 300 },
    );
  });

  it('are read by the next quick look when they commit within the trail, even if a thorough one never comes again', () => {
    const everyMs = 200;
    fc.assert(
      fc.property(transactions, (all) => {
        // A thorough look that takes a minute is repeated after fifty.
        const readAt = simulate(all, { everyMs, limit: 1_000, tookMs: 60_000 });
        for (const { id, notedAt, seenAt } of committed(all)) {
          if (seenAt - notedAt >= 10_000) continue;
          expect(readAt.get(id), `mark ${id}`).toBeLessThan(seenAt + everyMs);
        }
      }),
      { seed: 22, numRuns: 300 },
    );
  });

  it('are read within seconds of a thorough look that is cheap, when they commit later than the trail', () => {
    fc.assert(
      fc.property(transactions, (all) => {
        const readAt = simulate(all, { everyMs: 200, limit: 1_000, tookMs: 1 });
        for (const { id, seenAt } of committed(all)) expect(readAt.get(id)).toBeLessThanOrEqual(seenAt + 5_200);
      }),
      { seed: 23, numRuns: 300 },
    );
  });
});
