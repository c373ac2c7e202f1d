import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdsSent } from '../../src/batch/held.ts';

describe('what HubSpot holds', () => {
  it.each([
    ['an e-mail in lower case', 'Ada@Example.com', 'ada@example.com'],
    ['a number without its zeros', '0012.50', '12.5'],
    ['a moment to the millisecond', '2026-11-30T10:00:00Z', '2026-11-30T10:00:00.000Z'],
    ['a moment as milliseconds', '2026-11-30T00:00:00.000Z', '1795996800000'],
    ['a telephone number with decoration', '+4930123456', '+49 (30) 123-456'],
  ])('says the same for %s', (_, sent, held) => {
    expect(holdsSent({ it: sent }, { it: held })).toBe(true);
  });

  it.each([
    ['another text', 'Ada', 'Bea'],
    ['nothing for something', 'Ada', ''],
    ['something for nothing', '', 'Ada'],
    ['another number', '12.5', '125'],
    ['the opposite number', '-5', '5'],
    ['another day', '2026-11-30', '2026-11-29'],
    ['other punctuation only', '!!!', '???'],
  ])('does not for %s', (_, sent, held) => {
    expect(holdsSent({ it: sent }, { it: held })).toBe(false);
  });

  it('is what was sent when it is that, whatever it is; a property that is not there is empty', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })), (sent) => {
        expect(holdsSent(sent, { ...sent, more: 'x' })).toBe(true);
        const isEmpty = Object.values(sent).every((value) => value === '');
        expect(holdsSent(sent, {})).toBe(isEmpty);
      }),
      { seed: 61 },
    );
  });
});
