import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOption, listOptions } from '../../src/source/options.ts';
import { property } from './definition.ts';

const group = property('enumeration', {
  options: [
    { label: 'Retail customer', value: 'retail' },
    { label: 'B2B', value: 'wholesale' },
    { label: 'retail', value: 'old' },
    { label: 'Active', value: 'yes' },
    { label: 'ACTIVE', value: 'sometimes' },
  ],
});

describe('an option', () => {
  it.each([
    ['is found by its value', 'wholesale', 'wholesale'],
    ['is found by its label', 'Retail customer', 'retail'],
    ['is found by its value before another by its label', 'retail', 'retail'],
    ['is found whatever its case, when only one is meant', 'RETAIL CUSTOMER', 'retail'],
    ['is found by its exact label among several that differ by case', 'ACTIVE', 'sometimes'],
    ['is not guessed among several that differ by case', 'active', null],
    ['is not guessed when it is near', 'Retail customers', null],
    ['is not guessed from nothing', '', null],
  ])('%s: %j', (_, text, value) => expect(findOption(group, text)).toBe(value));

  it('is any text where HubSpot does not list the options', () => {
    expect(findOption(property('enumeration', { hasExternalOptions: true, options: group.options }), '77')).toBe('77');
    expect(findOption(property('enumeration'), '77')).toBe('77');
  });

  it('is always one that HubSpot has, and named by the text', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'İ', 'ß'), maxLength: 2 });
    const listed = fc.array(fc.record({ label: word, value: word }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(listed, word, (options, text) => {
        const found = findOption(property('enumeration', { options }), text);
        if (found === null) return;
        const same = (a: string) => a.toLowerCase() === text.toLowerCase();
        expect(options.some(({ value, label }) => value === found && (same(value) || same(label)))).toBe(true);
      }),
      { seed: 20261128, numRuns: 2_000 },
    );
  });
});

describe('a list of options', () => {
  it('names eight, and counts the others', () => {
    const options = Array.from({ length: 11 }, (_, n) => ({ label: '', value: `o${n}` }));
    expect(listOptions(property('enumeration', { options }))).toBe('o0, o1, o2, o3, o4, o5, o6, o7 and 3 more');
    expect(listOptions(property('enumeration', { options: options.slice(0, 2) }))).toBe('o0, o1');
  });
});
