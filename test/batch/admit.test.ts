import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit, separateDuplicates } from '../../src/batch/admit.ts';
import type { Candidate } from '../../src/batch/sortOut.ts';
import type { Holder } from '../../src/outbox/match.ts';
import { claimedRow } from './rows.ts';

function candidate(
  sourceId: string,
  matchValue: string,
  held: string | null = null,
  hubspotId: string | null = null,
): Candidate {
  const row = claimedRow({
    sourceId,
    matchValue: held,
    hubspotId: hubspotId ?? (held === null ? null : `9${sourceId}`),
  });
  return { row, matchValue, properties: { email: matchValue } };
}

const ids = (list: readonly Candidate[]) => list.map(({ row }) => row.sourceId);

describe('two rows of one batch with one match value', () => {
  it('leave the first, and refuse the others naming it', () => {
    const { distinct, refused } = separateDuplicates([candidate('1', 'a'), candidate('2', 'a'), candidate('3', 'b')]);
    expect(ids(distinct)).toEqual(['1', '3']);
    expect(refused).toMatchObject([{ sourceId: '2', code: 'DUPLICATE_MATCH', value: 'a' }]);
    expect(refused[0]?.message).toContain('Record 1 ');
  });

  it('leave the one HubSpot knows by it, wherever it stands', () => {
    const { distinct, refused } = separateDuplicates([
      candidate('1', 'a'),
      candidate('2', 'a', 'a'),
      candidate('3', 'a'),
    ]);
    expect(ids(distinct)).toEqual(['2']);
    expect(refused.map(({ sourceId }) => sourceId)).toEqual(['1', '3']);
  });

  it('leave exactly one a value, prefer who is known by it, and lose nobody', () => {
    const some = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(null, 'a', 'b', 'z')), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(some, (values) => {
        const all = values.map(([wanted, held], index) => candidate(String(index), wanted, held));
        const { distinct, refused } = separateDuplicates(all);
        expect(distinct.map(({ matchValue }) => matchValue).sort()).toEqual(
          [...new Set(values.map(([wanted]) => wanted))].sort(),
        );
        expect([...ids(distinct), ...refused.map(({ sourceId }) => sourceId)].sort()).toEqual(ids(all).sort());
        for (const { row, matchValue } of distinct) {
          const ofValue = all.filter((each) => each.matchValue === matchValue);
          const known = ofValue.filter((each) => each.row.matchValue === matchValue);
          expect(row.sourceId).toBe((known[0] ?? ofValue[0])?.row.sourceId);
        }
      }),
      { seed: 51, numRuns: 500 },
    );
  });
});

const IDLE = { isInFlight: false, isPending: false, isDoubtful: false };

/** What becomes of row 1 with value `a`, which row 2 owns. */
function contest(
  given: {
    held?: string | null;
    hubspotId?: string | null;
    holder?: Partial<Holder>;
    source?: string;
    claims?: string[];
  } = {},
) {
  const holder = { sourceId: '2', hubspotId: '92', matchValue: 'a', ...IDLE, ...given.holder };
  const admission = admit(
    [candidate('1', 'a', given.held ?? null, given.hubspotId ?? null)],
    new Map([['a', '2']]),
    new Map([['2', holder]]),
    new Map(given.source === undefined ? [] : [['2', given.source]]),
    new Set(['1', ...(given.claims ?? [])]),
  );
  return Object.entries(admission)
    .filter(([, list]) => list.length > 0)
    .map(([name]) => name);
}

describe('a value that another row owns', () => {
  it.each([
    ['is refused while the other still has it at its source', { source: 'a' }, ['refused']],
    [
      'waits while a call of the other may still be carried out',
      { source: 'b', holder: { isDoubtful: true } },
      ['later'],
    ],
    [
      'waits for the batch of one that may have been given a record, when it has one itself',
      { source: 'b', hubspotId: '91', holder: { hubspotId: null, isPending: true } },
      ['later'],
    ],
    ['is refused then even while the other is in flight', { source: 'a', holder: { isInFlight: true } }, ['refused']],
    [
      'waits while the other, which gave it up, is in flight elsewhere',
      { source: 'b', holder: { isInFlight: true } },
      ['later'],
    ],
    [
      'does not wait for its own batch',
      { source: 'b', holder: { isInFlight: true }, claims: ['2'] },
      ['admitted', 'vacate'],
    ],
    ['is taken from the record that still holds it when the other gave it up', { source: 'b' }, ['admitted', 'vacate']],
    [
      'passes on when the other never came to HubSpot',
      { source: 'b', holder: { hubspotId: null } },
      ['admitted', 'takeOver'],
    ],
    [
      'passes on when the record of the other holds another',
      { source: 'b', holder: { matchValue: 'b' } },
      ['admitted', 'takeOver'],
    ],
    ['passes on with the record to who comes back under a new key', {}, ['admitted', 'takeOver']],
    ['passes on between two rows of one record', { source: 'b', hubspotId: '92' }, ['admitted', 'takeOver']],
    ['is refused when a kept record holds it and the row has one of its own', { held: 'z' }, ['refused']],
    ['waits until it is known with what a record is kept', { held: 'z', holder: { isPending: true } }, ['later']],
  ])('%s', (_, given, ended) => {
    expect(contest(given)).toEqual(ended);
  });
});

describe('admission', () => {
  const values = fc.constantFrom('a', 'b', 'c', 'd');
  const rowIds = fc.constantFrom('1', '2', '3', '4', '5', '6');
  const holders = fc.record({
    hubspotId: fc.constantFrom(null, '91', '92', '95'),
    matchValue: fc.option(values, { nil: null }),
    isInFlight: fc.boolean(),
    isPending: fc.boolean(),
    isDoubtful: fc.boolean(),
  });
  const world = fc.record({
    candidates: fc.uniqueArray(fc.record({ id: rowIds, value: values, held: fc.option(values, { nil: null }) }), {
      selector: ({ id }) => id,
    }),
    owners: fc.dictionary(values, rowIds),
    holders: fc.dictionary(rowIds, holders),
    sourceValues: fc.dictionary(rowIds, values),
    alsoClaimed: fc.array(rowIds),
  });

  it('decides about each candidate once, and clears only for who is admitted', () => {
    fc.assert(
      fc.property(world, (given) => {
        const { distinct: all } = separateDuplicates(
          given.candidates.map(({ id, value, held }) => candidate(id, value, held)),
        );
        const owners = new Map(Object.entries(given.owners));
        const known = new Map(
          Object.entries(given.holders).map(([sourceId, holder]) => [sourceId, { sourceId, ...holder }]),
        );
        const sourceValues = new Map(Object.entries(given.sourceValues));
        const claimed = new Set([...ids(all), ...given.alsoClaimed]);
        const { admitted, refused, later, vacate, takeOver } = admit(all, owners, known, sourceValues, claimed);

        const decided = [...ids(admitted), ...ids(later), ...refused.map(({ sourceId }) => sourceId)];
        expect(decided.sort()).toEqual(ids(all).sort());
        const contests = [...vacate, ...takeOver].map((each) => each.candidate);
        expect(new Set(contests).size).toBe(contests.length);
        for (const each of contests) expect(admitted).toContain(each);

        for (const each of admitted) {
          const owner = owners.get(each.matchValue);
          const isOwn = owner === undefined || owner === each.row.sourceId;
          expect(contests.includes(each)).toBe(!isOwn);
          // Nobody sends a value that another row has at its source.
          if (!isOwn) expect(sourceValues.get(owner)).not.toBe(each.matchValue);
        }
        for (const { holder } of vacate) expect(holder.hubspotId).not.toBeNull();
      }),
      { seed: 52, numRuns: 1_000 },
    );
  });
});
