import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bursts, findBulk } from '../../src/outbox/bursts.ts';
import type { Mark } from '../../src/outbox/marks.ts';

const NONE: Bursts = new Map();
const START = Date.UTC(2026, 0, 1);

let lastId = 0;
function mark(session: string, atMs: number): Mark {
  const notedAt = new Date(START + atMs).toISOString().replace('T', ' ').replace('Z', '000');
  return { id: String(++lastId), watch: 1, sourceKey: '1', session, notedAt, expandedTo: null };
}

function marks(session: string, count: number, atMs: (index: number) => number): Mark[] {
  return Array.from({ length: count }, (_, index) => mark(session, atMs(index)));
}

const ids = (list: readonly Mark[]) => new Set(list.map(({ id }) => id));

describe('a mass change', () => {
  it('is more than 200 marks of one session with hardly a pause, in one statement or in many', () => {
    const statement = marks('1', 201, () => 0);
    expect(findBulk(statement, NONE).bulk).toEqual(ids(statement));
    const loop = marks('2', 201, (index) => index * 100);
    expect(findBulk(loop, NONE).bulk).toEqual(ids(loop));
  });

  it('is not 200 marks, nor more with pauses between, nor many sessions at once', () => {
    expect(
      findBulk(
        marks('1', 200, () => 0),
        NONE,
      ).bulk.size,
    ).toBe(0);
    expect(
      findBulk(
        marks('1', 1_000, (index) => index * 101),
        NONE,
      ).bulk.size,
    ).toBe(0);
    expect(
      findBulk(
        Array.from({ length: 1_000 }, (_, index) => mark(String(index % 10), 0)),
        NONE,
      ).bulk.size,
    ).toBe(0);
  });

  it('does not take along what the same session changes singly before and after it', () => {
    const before = marks('1', 3, () => 0);
    const mass = marks('1', 500, () => 1_000);
    const after = marks('1', 3, () => 1_101);
    const { bulk } = findBulk([...before, ...mass, ...after], NONE);
    expect(bulk).toEqual(ids(mass));
  });

  it('is known by its tail in the next portion, however short that is', () => {
    const head = marks('1', 300, (index) => index);
    const tail = marks('1', 5, (index) => 350 + index);
    const { bursts } = findBulk(head, NONE);
    const next = findBulk([...tail, mark('2', 350)], bursts);
    expect(next.bulk).toEqual(ids(tail));
    expect(
      findBulk(
        marks('1', 5, () => 455),
        next.bursts,
      ).bulk.size,
    ).toBe(0);
  });

  it('is forgotten once marks of a much later time come, and only then', () => {
    const { bursts } = findBulk(
      marks('1', 300, () => 0),
      NONE,
    );
    expect([...findBulk([], bursts).bursts.keys()]).toEqual(['1']);
    expect([...findBulk([mark('2', 60_000)], bursts).bursts.keys()]).toEqual(['1']);
    expect([...findBulk([mark('2', 60_001)], bursts).bursts.keys()]).toEqual([]);
  });
});

describe('whatever is noted', () => {
  const traffic = fc.array(
    fc.record({
      session: fc.constantFrom('1', '2', '3'),
      count: fc.integer({ min: 1, max: 400 }),
      gapMs: fc.integer({ min: 0, max: 300 }),
    }),
    { maxLength: 8 },
  );

  /** Statements one after the other, each with its marks at the moment it began. */
  function toMarks(statements: { session: string; count: number; gapMs: number }[]): Mark[] {
    let now = 0;
    return statements.flatMap(({ session, count, gapMs }) => {
      now += gapMs;
      return marks(session, count, () => now);
    });
  }

  it('each session is judged by its own marks alone', () => {
    fc.assert(
      fc.property(traffic, (statements) => {
        const all = toMarks(statements);
        const apart = [...Map.groupBy(all, ({ session }) => session).values()].flatMap((own) => [
          ...findBulk(own, NONE).bulk,
        ]);
        expect([...findBulk(all, NONE).bulk].sort()).toEqual(apart.sort());
      }),
      { seed: 11, numRuns: 100 },
    );
  });

  it('a statement is bulk as a whole or not at all, and always with more than 200 marks', () => {
    fc.assert(
      fc.property(traffic, (statements) => {
        const all = toMarks(statements);
        const { bulk } = findBulk(all, NONE);
        for (const ofStatement of Map.groupBy(all, ({ session, notedAt }) => `${session} ${notedAt}`).values()) {
          const known = ofStatement.filter(({ id }) => bulk.has(id)).length;
          expect([0, ofStatement.length]).toContain(known);
          if (ofStatement.length > 200) expect(known).toBe(ofStatement.length);
        }
      }),
      { seed: 12, numRuns: 100 },
    );
  });

  it('what follows a portion that was known as bulk, in the same statement, is bulk too', () => {
    fc.assert(
      fc.property(fc.integer({ min: 201, max: 2_000 }), fc.integer({ min: 201, max: 700 }), (count, chunk) => {
        const all = marks('1', count, () => 0);
        let bursts = NONE;
        for (let from = 0; from < count; from += chunk) {
          const portion = all.slice(from, from + chunk);
          const found = findBulk(portion, bursts);
          expect(found.bulk).toEqual(ids(portion));
          bursts = found.bursts;
        }
      }),
      { seed: 13, numRuns: 50 },
    );
  });
});
