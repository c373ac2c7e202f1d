import { describe, expect, it } from 'vitest';
import type { ObjectMapping } from '../../src/config/mapping.ts';
import type { Definition } from '../../src/hubspot/definition.ts';
import type { SourceColumn } from '../../src/source/column.ts';
import { normalizeMatch, rowConverter, sameContent } from '../../src/source/record.ts';
import { property } from './definition.ts';

const contacts: ObjectMapping = {
  name: 'contacts',
  type: 'contacts',
  matchOn: 'email',
  key: { table: 'users', column: 'id' },
  query: '',
  whenGone: 'keep',
  timeZone: 'Europe/Berlin',
  watch: [],
};
const columns: SourceColumn[] = [
  { name: 'email', kind: 'text' },
  { name: 'points', kind: 'text' },
  { name: 'seen', kind: 'datetime' },
];
const definitions = new Map<string, Definition>([
  ['email', property('string')],
  ['points', property('number')],
  ['seen', property('datetime')],
]);

describe('a row', () => {
  it('becomes a record with every column, in the types of its properties and the zone of its object', () => {
    expect(rowConverter(columns, definitions, contacts)(['A@Example.COM', '12.50', '2026-07-01 12:00:00'])).toEqual({
      matchValue: 'a@example.com',
      properties: { email: 'A@Example.COM', points: '12.50', seen: '2026-07-01T10:00:00.000Z' },
    });
  });

  it('clears what is NULL', () => {
    const converted = rowConverter(columns, definitions, contacts)(['a@b.de', null, null]);
    expect(converted).toMatchObject({ properties: { points: '', seen: '' } });
  });

  it('is refused whole when one value cannot be sent, and says which', () => {
    expect(rowConverter(columns, definitions, contacts)(['a@b.de', 'lots', '2026-07-01 12:00:00'])).toEqual({
      code: 'INVALID_VALUE',
      property: 'points',
      value: 'lots',
      message: 'the value is not a number: digits and one point',
    });
  });

  it('shows bytes that cannot be sent as hexadecimal digits', () => {
    const converted = rowConverter(columns, definitions, contacts)([Buffer.from([0xff, 0x00]), null, null]);
    expect(converted).toMatchObject({ code: 'INVALID_VALUE', property: 'email', value: 'ff00' });
  });

  it.each([null, '', '  '])('is refused when nothing identifies it: %j', (email) => {
    expect(rowConverter(columns, definitions, contacts)([email, null, null])).toMatchObject({
      code: 'MISSING_MATCH',
      property: 'email',
    });
  });

  it('goes as text while HubSpot was never asked for its properties', () => {
    const row = ['a@b.de', '007', '2026-07-01 12:00:00'];
    expect(rowConverter(columns, null, contacts)(row)).toMatchObject({
      properties: { email: 'a@b.de', points: '007', seen: '2026-07-01 12:00:00' },
    });
  });
});

describe('a match value', () => {
  it('is compared without the blanks around it, an e-mail also without regard to case', () => {
    expect(normalizeMatch({ matchOn: 'email' }, ' A@B.de ')).toBe('a@b.de');
    expect(normalizeMatch({ matchOn: 'vat_id' }, ' DE1a ')).toBe('DE1a');
  });
});

describe('the content of a record', () => {
  it('is the same in any order, and another with a property more, less or changed', () => {
    expect(sameContent({ a: '1', b: '' }, { b: '', a: '1' })).toBe(true);
    expect(sameContent({ a: '1' }, { a: '1', b: '' })).toBe(false);
    expect(sameContent({ a: '1', b: '' }, { a: '1', c: '' })).toBe(false);
    expect(sameContent({ a: '1' }, { a: '1 ' })).toBe(false);
  });
});
