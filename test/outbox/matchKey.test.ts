import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchKey } from '../../src/outbox/matchKey.ts';

const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc.string({ unit: fc.constantFrom('a', 'A', 'ä', ' ', '😀'), maxLength: 400 }),
);

describe('the key of a match value', () => {
  it('fits the index, whatever the value', () => {
    fc.assert(
      fc.property(value, (each) => {
        expect([...matchKey(each)].length).toBeLessThanOrEqual(191);
      }),
      { seed: 41 },
    );
  });

  it('is the value itself where it fits, but for trailing spaces', () => {
    fc.assert(
      fc.property(value, (each) => {
        fc.pre(each.length <= 191);
        expect(matchKey(each)).toBe(each.replace(/ +$/, ''));
      }),
      { seed: 42 },
    );
  });

  it('is the same for two values just when the column takes them for the same', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(matchKey(a) === matchKey(b)).toBe(a.replace(/ +$/, '') === b.replace(/ +$/, ''));
      }),
      { seed: 43 },
    );
    expect(matchKey('x'.repeat(300))).not.toBe(matchKey(`${'x'.repeat(299)}y`));
    expect(matchKey(`${'x'.repeat(191)}   `)).toBe('x'.repeat(191));
    expect(matchKey('x'.repeat(192))).toMatch(/^sha256:[0-9a-f]{64}$/);
  });
});
