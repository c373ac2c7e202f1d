import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deliverTo, type Outcome, type Portal, range } from './refusing.ts';

const CASES = { seed: 20_261, numRuns: 2_000 };

const draws = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 100, maxLength: 100 });
const values = fc.array(fc.nat(20), { minLength: 100, maxLength: 100 });

/** Batches of 1 to 100 records, from none bad to all, with refusals that name nobody. */
const silentPortals = fc
  .record({
    count: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 100 })),
    shareOfBad: fc.constantFrom(0, 0.01, 0.03, 0.1, 0.5, 1),
    draws,
  })
  .map(
    ({ count, shareOfBad, draws }): Portal => ({
      records: range(count),
      bad: new Set(range(count).filter((record) => (draws[record] ?? 1) <= shareOfBad)),
    }),
  );

/** The same with refusals that quote a value, sometimes or always, and may seem to quote a good record's too. */
const quotingPortals = fc
  .record({ portal: silentPortals, values, silentModulus: fc.integer({ min: 2, max: 20 }), isMisleading: fc.boolean() })
  .map(({ portal: { records, bad: drawn }, values, silentModulus, isMisleading }): Portal => {
    const valueFor = (record: number) => values[record] ?? 0;
    // HubSpot judges values: whoever has the value of a bad record is bad.
    const badValues = new Set([...drawn].map(valueFor));
    return {
      records,
      bad: new Set(records.filter((record) => badValues.has(valueFor(record)))),
      quotes: {
        valueFor,
        looksLike: (record) => isMisleading && valueFor(record) % 5 === 0,
        isQuoted: (value, groupSize) => (value * 7 + groupSize) % silentModulus > 0,
      },
    };
  });

const portals = fc.oneof(silentPortals, quotingPortals);

/** Some of their records do not go together. */
const clashingPortals = portals.chain((portal) => {
  const record = fc.constantFrom(...portal.records);
  const pair = fc.tuple(record, record).filter(([one, other]) => one !== other);
  return fc
    .array(pair, { maxLength: portal.records.length > 1 ? 6 : 0 })
    .map((pairs): Portal => ({ ...portal, pairs }));
});

/** Every batch of up to seven records, with every choice of bad ones; refusals name nobody. */
function* smallSilentPortals(): Generator<Portal> {
  for (const records of range(8).map(range)) {
    for (const bits of range(2 ** records.length))
      yield { records, bad: new Set(records.filter((record) => (bits >> record) & 1)) };
  }
}

/** Every batch of up to six records with one of three values each, and every choice of bad values, quoted only alone. */
function* smallQuotingPortals(): Generator<Portal> {
  for (const records of range(7).map(range)) {
    for (const pattern of range(3 ** records.length)) {
      const valueFor = (record: number) => Math.floor(pattern / 3 ** record) % 3;
      for (const bits of range(8)) {
        const bad = new Set(records.filter((record) => (bits >> valueFor(record)) & 1));
        yield {
          records,
          bad,
          quotes: { valueFor, looksLike: () => false, isQuoted: (_, groupSize) => groupSize === 1 },
        };
      }
    }
  }
}

describe('isolating what HubSpot refuses', () => {
  it('delivers every good record once, and finds every bad one and no other', async () => {
    await fc.assert(fc.asyncProperty(portals, expectIsolated), CASES);
  });

  it('does so in every small batch, whichever records are bad', async () => {
    for (const portal of smallSilentPortals()) await expectIsolated(portal);
    for (const portal of smallQuotingPortals()) await expectIsolated(portal);
  });

  it('blames no third record when two only do not go together', async () => {
    await fc.assert(
      fc.asyncProperty(clashingPortals, async (portal) => {
        const outcome = await deliverTo(portal);
        expectAccounted(portal, outcome);
        expect(outcome.undecided).toEqual([]);
        const blamed = recordsOf(outcome.bad);
        expect(
          blamed.filter((record) => !portal.bad.has(record) && !clashesWithTaken(portal, outcome, record)),
        ).toEqual([]);
        expect([...portal.bad].filter((record) => !blamed.includes(record))).toEqual([]);
      }),
      CASES,
    );
  });

  it('loses nothing when it is stopped at any moment, and sends nothing more', async () => {
    await fc.assert(
      fc.asyncProperty(clashingPortals, fc.integer({ min: 1, max: 40 }), async (portal, stopsAt) => {
        const outcome = await deliverTo({ ...portal, stopsAt });
        expectAccounted(portal, outcome);
        expect(outcome.calls).toBeLessThanOrEqual(stopsAt);
      }),
      CASES,
    );
  });

  it('draws no conclusion from an answer that speaks of each record', async () => {
    const moments = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(portals, moments, (portal, settlesAt) =>
        expectSettled({ ...portal, settlesAt: new Set(settlesAt) }),
      ),
      CASES,
    );
  });

  it('draws none in any small batch, whichever answer it is', async () => {
    for (const portal of smallSilentPortals()) {
      const { calls } = await deliverTo(portal);
      for (const call of range(calls + 1)) await expectSettled({ ...portal, settlesAt: new Set([call]) });
    }
  });
});

// Calls are counted as HubSpot counts them: all of a batch's, the refused one it began with among them.
describe('the calls that isolation costs', () => {
  it('are two for one bad record whose value the refusal quotes', async () => {
    for (const culprit of range(100)) {
      const { calls } = await deliverTo(quoted([culprit]));
      expect(calls).toBe(2);
    }
  });

  it('are at most nine for one bad record in a hundred when the refusal names nobody', async () => {
    for (const culprit of range(100)) {
      const { calls } = await deliverTo(silent([culprit]));
      expect(calls).toBeLessThanOrEqual(9);
    }
  });

  it('are at most two for each bad record that is quoted, and none for others with its value', async () => {
    await fc.assert(
      fc.asyncProperty(subsets(1, 30), async (culprits) => {
        expect((await deliverTo(quoted(culprits))).calls).toBeLessThanOrEqual(2 * culprits.length);
      }),
      CASES,
    );
    const same = { ...quoted(range(60)), quotes: { ...byValue, valueFor: (record: number) => Math.max(59, record) } };
    expect((await deliverTo(same)).calls).toBe(3);
  });

  it.each([1, 2, 5, 10])('stay near what information theory asks for, on average: %i bad of 100', async (count) => {
    const cases = fc.sample(subsets(count, count), { seed: 4, numRuns: 3_000 });
    let calls = 0;
    for (const culprits of cases) calls += (await deliverTo(silent(culprits))).calls;
    const average = calls / cases.length;
    expect(average).toBeLessThanOrEqual(1.2 * log2Choose(100, count) + count + 1);
    // Fewer than the bits there are to learn would mean that calls are not counted.
    expect(average).toBeGreaterThan(log2Choose(100, count));
  });

  it('are never more than three a record, whatever is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(clashingPortals, async (portal) => {
        expect((await deliverTo(portal)).calls).toBeLessThanOrEqual(3 * portal.records.length);
      }),
      CASES,
    );
  });
});

/** Nothing is lost, the right ones are found, and each for the reason of a refusal that was about it. */
async function expectIsolated(portal: Portal): Promise<void> {
  const outcome = await deliverTo(portal);
  expectAccounted(portal, outcome);
  expect(outcome.undecided).toEqual([]);
  expect(sorted(recordsOf(outcome.bad))).toEqual(sorted(portal.bad));
  const valueFor = portal.quotes?.valueFor ?? ((record: number) => record);
  expect(outcome.bad.filter(({ record, reason }) => reason !== valueFor(record))).toEqual([]);
}

async function expectSettled(portal: Portal): Promise<void> {
  const outcome = await deliverTo(portal);
  expectAccounted(portal, outcome);
  expect(outcome.undecided).toEqual([]);
  expect(sorted([...recordsOf(outcome.bad), ...outcome.settledBad])).toEqual(sorted(portal.bad));
}

function clashesWithTaken({ pairs = [] }: Portal, { taken }: Outcome, record: number): boolean {
  return pairs.some(
    ([one, other]) => (one === record && taken.includes(other)) || (other === record && taken.includes(one)),
  );
}

/** Every record is taken once, refused once, or undecided, and in one of these only. */
function expectAccounted({ records }: Portal, { taken, bad, settledBad, undecided }: Outcome): void {
  expect(sorted([...taken, ...recordsOf(bad), ...settledBad, ...undecided])).toEqual(records);
}

function recordsOf(bad: Outcome['bad']): number[] {
  return bad.map(({ record }) => record);
}

function sorted(records: Iterable<number>): number[] {
  return [...records].sort((a, b) => a - b);
}

function silent(culprits: readonly number[]): Portal {
  return { records: range(100), bad: new Set(culprits) };
}

const byValue = { valueFor: (record: number) => record, looksLike: () => false, isQuoted: () => true };

/** Every record has a value of its own, and a refusal quotes that of its first bad one. */
function quoted(culprits: readonly number[]): Portal {
  return { ...silent(culprits), quotes: byValue };
}

/** Any records of a hundred, each set as likely as another of its size. */
function subsets(least: number, most: number): fc.Arbitrary<number[]> {
  return fc
    .tuple(
      fc.integer({ min: least, max: most }),
      fc.noBias(fc.array(fc.nat(1_000_000), { minLength: 100, maxLength: 100 })),
    )
    .map(([size, draws]) =>
      range(100)
        .sort((a, b) => (draws[a] ?? 0) - (draws[b] ?? 0))
        .slice(0, size),
    );
}

function log2Choose(of: number, count: number): number {
  return range(count).reduce((sum, index) => sum + Math.log2((of - index) / (index + 1)), 0);
}
