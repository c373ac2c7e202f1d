import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueFloor } from '../../src/outbox/dueFloor.ts';

const look = { tookMs: 1, isThorough: true, oldestAgeMs: 0 };

describe('how far back due rows are looked for', () => {
  it('is not bounded before a look has seen everything', () => {
    const floor = new DueFloor();
    expect(floor.withinMs(0)).toBeNull();
    floor.looked({ ...look, at: 0, isThorough: false });
    expect(floor.withinMs(1)).toBeNull();
    floor.looked({ ...look, at: 10 });
    expect(floor.withinMs(11)).toBe(3_001);
  });

  it('is as far as the oldest that was seen, and a while more', () => {
    const floor = new DueFloor();
    floor.looked({ ...look, at: 0, oldestAgeMs: 60_000 });
    expect(floor.withinMs(2_000)).toBe(65_000);
    floor.looked({ ...look, at: 2_000, isThorough: false, oldestAgeMs: 500 });
    expect(floor.withinMs(3_000)).toBe(4_500);
    floor.looked({ ...look, at: 3_000, isThorough: false, oldestAgeMs: null });
    expect(floor.withinMs(4_000)).toBe(5_500);
  });

  it('is everything again after a while, the rarer the longer that takes', () => {
    const floor = new DueFloor();
    floor.looked({ ...look, at: 0 });
    expect(floor.withinMs(4_999)).not.toBeNull();
    expect(floor.withinMs(5_000)).toBeNull();
    floor.looked({ ...look, at: 5_000, tookMs: 1_000 });
    expect(floor.withinMs(54_999)).not.toBeNull();
    expect(floor.withinMs(55_000)).toBeNull();
  });

  it('never leaves out a row that became due no longer before it was written than transactions take', () => {
    // Rows that wait, by when they became due; a look sees those within its bound and takes the oldest few.
    const step = fc.record({
      passMs: fc.integer({ min: 1, max: 4_000 }),
      lateMs: fc.integer({ min: 0, max: 3_000 }),
      taken: fc.integer({ min: 0, max: 3 }),
      isOldestFirst: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const floor = new DueFloor();
        let now = 100_000;
        let waiting: number[] = [];
        for (const { passMs, lateMs, taken, isOldestFirst } of steps) {
          now += passMs;
          waiting.push(now - lateMs);
          waiting.sort((a, b) => a - b);
          const withinMs = floor.withinMs(now);
          const seen = waiting.filter((due) => withinMs === null || due > now - withinMs);
          expect(seen).toEqual(waiting);
          const oldest = seen[0];
          const oldestAgeMs = oldest === undefined ? 0 : isOldestFirst ? now - oldest : null;
          floor.looked({ at: now, tookMs: 1, isThorough: withinMs === null && isOldestFirst, oldestAgeMs });
          waiting = isOldestFirst ? waiting.slice(taken) : waiting.slice(0, Math.max(0, waiting.length - taken));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
