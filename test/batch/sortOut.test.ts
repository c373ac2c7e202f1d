import { describe, expect, it } from 'vitest';
import { sortOut } from '../../src/batch/sortOut.ts';
import type { ObjectMapping } from '../../src/config/mapping.ts';
import type { Loaded } from '../../src/source/load.ts';
import { claimedRow } from './rows.ts';

const CONTACTS: ObjectMapping = {
  name: 'contacts',
  type: 'contacts',
  matchOn: 'email',
  key: { table: 'users', column: 'id' },
  query: '',
  whenGone: 'keep',
  timeZone: 'UTC',
  watch: [],
};

const text = (name: string) => ({ name, kind: 'text' as const, isComputed: false, length: 255 });

const COLUMNS = [text('email'), text('firstname')];

function loaded(rows: Record<string, (string | null)[]>, ambiguous: string[] = []): Loaded {
  return { columns: COLUMNS, rows: new Map(Object.entries(rows)), ambiguous: new Set(ambiguous), failed: new Map() };
}

const known = { hubspotId: '91', matchValue: 'a@x.de', sentProperties: { firstname: 'Ann', email: 'a@x.de' } };

describe('a claimed row', () => {
  it('is a candidate when HubSpot was never told of it', () => {
    const { candidates } = sortOut(CONTACTS, [claimedRow({ sourceId: '1' })], loaded({ 1: ['A@x.de ', 'Ann'] }), null);
    expect(candidates).toMatchObject([
      { row: { sourceId: '1' }, matchValue: 'a@x.de', properties: { firstname: 'Ann' } },
    ]);
  });

  it('is unchanged when HubSpot holds just this, in whatever order', () => {
    const { unchanged, candidates } = sortOut(
      CONTACTS,
      [claimedRow({ sourceId: '1', ...known })],
      loaded({ 1: ['a@x.de', 'Ann'] }),
      null,
    );
    expect(unchanged).toHaveLength(1);
    expect(candidates).toEqual([]);
  });

  it.each([
    ['its values changed', {}, ['a@x.de', 'Anna']],
    ['its match value changed', {}, ['b@x.de', 'Ann']],
    ['its record is not known', { hubspotId: null }, ['a@x.de', 'Ann']],
    ['what was sent is not known', { sentProperties: null }, ['a@x.de', 'Ann']],
    ['its match value was taken from its record', { matchValue: null }, ['a@x.de', 'Ann']],
    ['another property was sent then', { sentProperties: { ...known.sentProperties, phone: '1' } }, ['a@x.de', 'Ann']],
  ])('is a candidate when %s', (_, over, values) => {
    const row = claimedRow({ sourceId: '1', ...known, ...over });
    expect(sortOut(CONTACTS, [row], loaded({ 1: values }), null).candidates).toHaveLength(1);
  });

  it('is gone when the query returns nothing for it', () => {
    const { gone } = sortOut(
      CONTACTS,
      [claimedRow({ sourceId: '1' }), claimedRow({ sourceId: '2' })],
      loaded({ 2: ['a', 'b'] }),
      null,
    );
    expect(gone.map(({ sourceId }) => sourceId)).toEqual(['1']);
  });

  it('is refused when the query returns two rows that differ, or no match value', () => {
    const rows = [claimedRow({ sourceId: '1', ...known }), claimedRow({ sourceId: '2' })];
    const { refused } = sortOut(CONTACTS, rows, loaded({ 1: ['a@x.de', 'Ann'], 2: [null, 'Ann'] }, ['1']), null);
    expect(refused.map(({ sourceId, code }) => [sourceId, code])).toEqual([
      ['1', 'AMBIGUOUS_ROW'],
      ['2', 'MISSING_MATCH'],
    ]);
  });
});
