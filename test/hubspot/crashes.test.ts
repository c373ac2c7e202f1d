import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../src/hubspot/backoff.ts';
import { Crashes } from '../../src/hubspot/crashes.ts';

describe('a record that HubSpot may fail on', () => {
  it('is suspect when HubSpot failed twice on its batch and took something in between', () => {
    const crashes = new Crashes();
    crashes.failed('contacts', ['1', '2']);
    expect(crashes.isSuspect('contacts', '1')).toBe(false);
    crashes.answered('contacts', ['9']);
    crashes.failed('contacts', ['1']);
    expect([crashes.isSuspect('contacts', '1'), crashes.isSuspect('contacts', '2')]).toEqual([true, false]);
    expect(crashes.isSuspect('deals', '1')).toBe(false);
  });

  it('is never suspect while HubSpot takes nothing at all: that is an outage', () => {
    const crashes = new Crashes();
    for (let each = 0; each < 100; each += 1) crashes.failed('contacts', ['1']);
    expect(crashes.isSuspect('contacts', '1')).toBe(false);
  });

  it('is forgotten once HubSpot answered for it', () => {
    const crashes = new Crashes();
    crashes.failed('contacts', ['1']);
    crashes.answered('contacts', ['9']);
    crashes.failed('contacts', ['1']);
    crashes.answered('contacts', ['1']);
    expect(crashes.isSuspect('contacts', '1')).toBe(false);
  });
});

describe('the wait before the next try', () => {
  it('grows with the failures up to a minute, is spread, and never less than HubSpot asks for', () => {
    fc.assert(
      fc.property(
        fc.nat(1_000),
        fc.nat(60_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, asked, random) => {
          const ms = backoffMs(failures, asked, () => random);
          expect(ms).toBeGreaterThanOrEqual(Math.max(asked, 200));
          expect(ms).toBeLessThanOrEqual(Math.max(asked, 200) + Math.min(60_000, 1_000 * 2 ** Math.min(failures, 6)));
        },
      ),
      { seed: 71 },
    );
    const ceilings = [0, 1, 2, 5, 6, 50].map((failures) => backoffMs(failures, 0, () => 1) - 200);
    expect(ceilings).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
  });
});
