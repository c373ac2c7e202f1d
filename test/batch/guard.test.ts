import { describe, expect, it } from 'vitest';
import { Guard, spare } from '../../src/batch/guard.ts';
import type { Outcome } from '../../src/outbox/settle.ts';

const MINUTE = 60_000;

function refused(count: number, code = 'INVALID_OPTION', property = 'country'): Outcome[] {
  return Array.from({ length: count }, (_, id) => ({
    kind: 'poison',
    sourceId: `p${id}`,
    code,
    property,
    message: '',
  }));
}

function synced(count: number): Outcome[] {
  return Array.from({ length: count }, (_, id) => ({
    kind: 'synced',
    sourceId: `s${id}`,
    hubspotId: '1',
    matchValue: 'a',
    properties: {},
  }));
}

describe('a guard that lets 50 records and 30 percent pass', () => {
  const guard = () => new Guard({ records: 50, percent: 30 });

  it('trips when more than both are refused for one reason, also over several batches', () => {
    const one = guard();
    expect(one.judge('contacts', [...refused(40), ...synced(60)], 0)).toBeNull();
    expect(one.judge('contacts', [...refused(40), ...synced(60)], 1_000)).toEqual({
      code: 'INVALID_OPTION',
      property: 'country',
      refused: 80,
      sent: 200,
    });
  });

  it.each([
    ['few records, though most are refused', [...refused(50), ...synced(1)]],
    ['many records that are a small share', [...refused(60), ...synced(150)]],
    ['many reasons, none of them often', ['a', 'b', 'c'].flatMap((name) => refused(33, 'INVALID_OPTION', name))],
    ['what the source itself is to blame for', [...refused(80, 'DUPLICATE_MATCH'), ...refused(80, 'MISSING_MATCH')]],
  ])('does not trip over %s', (_, outcomes) => {
    expect(guard().judge('contacts', outcomes, 0)).toBeNull();
  });

  it('forgets what is longer ago than five minutes, and judges each object by its own', () => {
    const one = guard();
    expect(one.judge('contacts', refused(50), 0)).toBeNull();
    expect(one.judge('deals', refused(50), 1_000)).toBeNull();
    expect(one.judge('contacts', refused(50), 6 * MINUTE)).toBeNull();
    expect(one.judge('contacts', refused(50), 7 * MINUTE)).not.toBeNull();
  });

  it('judges by the batch that looks once it has tripped: refused as before it stays, mended it is over', () => {
    const one = guard();
    expect(one.judge('contacts', refused(100), 0)).not.toBeNull();
    expect(one.judge('contacts', refused(5), MINUTE)).not.toBeNull();
    expect(one.judge('contacts', synced(5), 2 * MINUTE)).toBeNull();
    expect(one.judge('contacts', refused(50), 2 * MINUTE)).toBeNull();
  });

  it('lets everything pass for an hour once somebody has looked', () => {
    const one = guard();
    expect(one.judge('contacts', refused(100), 0)).not.toBeNull();
    one.resume('contacts', MINUTE);
    expect(one.judge('contacts', refused(100), 2 * MINUTE)).toBeNull();
    expect(one.judge('contacts', refused(100), 62 * MINUTE)).not.toBeNull();
  });

  it('spares what was refused for the reason, and nothing else', () => {
    const others = [...synced(2), ...refused(1, 'INVALID_EMAIL', 'email')];
    const trip = { code: 'INVALID_OPTION', property: 'country', refused: 3, sent: 5 };
    expect(spare([...refused(1), ...others], trip, 500)).toEqual([
      { kind: 'later', sourceId: 'p0', delayMs: 500, countsAttempt: false },
      ...others,
    ]);
  });
});
