import { describe, expect, it } from 'vitest';
import { appliedOf, contentHash, type Remembered } from '../../src/capture/applied.ts';
import { backfillReason } from '../../src/capture/backfills.ts';
import { unappliedReason } from '../../src/capture/unapplied.ts';
import type { Watch } from '../../src/capture/watch.ts';
import type { ObjectMapping } from '../../src/config/mapping.ts';

const object: ObjectMapping = {
  name: 'contacts',
  type: 'contacts',
  matchOn: 'email',
  key: { table: 'users', column: 'id' },
  query: "SELECT u.id AS source_id, u.email, CONCAT(u.a, '  ', u.b) AS name FROM users u WHERE u.id IN (:ids)",
  whenGone: 'keep',
  timeZone: 'UTC',
  watch: [],
};

const watch: Watch = {
  object: 'contacts',
  table: 'users',
  columns: ['email', 'id'],
  note: { column: 'id', kind: 'integer' },
  records: null,
  keyKind: 'integer',
  path: [],
  isDerived: true,
};

function of(change: Partial<ObjectMapping>, properties = ['email', 'name'], watches = [watch]) {
  return appliedOf({ ...object, ...change }, { watches, properties, keyKind: 'integer', warnings: [], problems: [] });
}

const before = of({});
const remembered: Remembered = { hash: contentHash(before), applied: before, reason: null };
const { query } = object;

const MATTERS: [what: string, change: Partial<ObjectMapping>, columns: string[] | undefined, reason: string][] = [
  ['the query', { query: query.replace('u.email', 'LOWER(u.email) AS email') }, undefined, 'the query changed'],
  ['a blank in a text', { query: query.replace("'  '", "' '") }, undefined, 'the query changed'],
  ['a new column', { query: `${query} x` }, ['email', 'name', 'phone'], 'the query has new columns: phone'],
  [
    'what a comment no longer hides',
    { query: query.replace('u.email,', '-- u.email\n') },
    undefined,
    'the query changed',
  ],
  ['the time zone', { timeZone: 'Europe/Berlin' }, undefined, 'time_zone was UTC and is Europe/Berlin'],
  ['what identifies a record', { matchOn: 'user_id' }, undefined, 'match_on was email and is user_id'],
  ['the type', { type: 'companies' }, undefined, 'type was contacts and is companies'],
  ['the key', { key: { table: 'users', column: 'uid' } }, undefined, 'key was users.id and is users.uid'],
  ['what becomes of what is gone', { whenGone: 'archive' }, undefined, 'when_gone was keep and is archive'],
  [
    'several at once',
    { timeZone: 'Asia/Tokyo', matchOn: 'user_id' },
    undefined,
    'time_zone was UTC and is Asia/Tokyo; match_on was email and is user_id',
  ],
];

describe('a changed mapping', () => {
  it.each(MATTERS)('asks for a backfill, and says why: %s', (_, change, columns, reason) => {
    const now = of(change, columns);
    expect(contentHash(now)).not.toBe(contentHash(before));
    expect(backfillReason(remembered, now)).toBe(reason);
    expect(unappliedReason(remembered, now)).toBe(`since triggers were applied ${reason}`);
  });

  it.each<[string, Partial<ObjectMapping>]>([
    ['blanks between words', { query: query.replaceAll(', ', ',\n\t ').replace(' FROM', '\n\nFROM') }],
    ['a comment', { query: query.replace('FROM', '-- from where\nFROM /* here */') }],
    ['another name of the same type', { type: 'contact' }],
    ['its number', { type: '0-1' }],
  ])('is the same by %s', (_, change) => {
    const now = of(change);
    expect(contentHash(now)).toBe(contentHash(before));
    expect(backfillReason(remembered, now)).toBeNull();
    expect(unappliedReason(remembered, now)).toBeNull();
  });

  it('that keeps from now on what is gone asks for nothing: what was archived stays so', () => {
    const archiving = of({ whenGone: 'archive' });
    const last = { hash: contentHash(archiving), applied: archiving, reason: null };
    expect(backfillReason(last, before)).toBeNull();
    expect(backfillReason({ ...last, reason: 'the query changed' }, before)).toBe('the query changed');
  });

  it('that watches something else asks for triggers and for no backfill', () => {
    const now = of({}, undefined, [{ ...watch, columns: ['id'] }]);
    expect(backfillReason(remembered, now)).toBeNull();
    expect(unappliedReason(remembered, now)).toMatch(/^its triggers watch other tables or columns/);
  });
});

describe('triggers', () => {
  it('that were never applied are missed, and every record with them', () => {
    for (const last of [undefined, { hash: null, applied: null, reason: null }]) {
      expect(backfillReason(last, before)).toBe('never backfilled');
      expect(unappliedReason(last, before)).toMatch(/^its triggers were never applied/);
    }
  });

  it('that were dropped are missed, and what changed meanwhile', () => {
    const dropped = { ...remembered, applied: null };
    expect(backfillReason(dropped, before)).toBe('what changed while its triggers were dropped was not noted');
    expect(unappliedReason(dropped, before)).toMatch(/^its triggers were dropped/);
  });
});
