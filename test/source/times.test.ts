import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toDate, toDateTime } from '../../src/source/times.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

// Half an hour, two hours and a whole day of change; midnight that does not exist; odd quarters of an hour; none at all.
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
  'Pacific/Chatham',
  'Africa/Casablanca',
  'America/St_Johns',
  'UTC',
];

const formats = new Map(
  ZONES.map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }),
  ]),
);

/** What a clock on the wall shows at an instant, in milliseconds as though it were UTC. By Intl, not by the product's library. */
function shown(atMs: number, zone: string): number {
  return Date.parse(`${formats.get(zone)?.format(atMs).replace(' ', 'T')}Z`);
}

/** Where a local time stands: each instant that shows it, else as though the clocks had not been changed. */
function instantOf(wallMs: number, zone: string): number {
  const quarters = Array.from({ length: 4 * 56 + 1 }, (_, n) => wallMs + (n - 4 * 28) * 15 * MINUTE_MS);
  const first = quarters.find((at) => shown(at, zone) === wallMs);
  if (first !== undefined) return first;
  const before = quarters.filter((at) => shown(at, zone) < wallMs).at(-1) ?? Number.NaN;
  return before + (wallMs - shown(before, zone));
}

/** Changes of clocks, found by looking at each day. */
const changes = ZONES.flatMap((zone) => {
  const found: { zone: string; atMs: number }[] = [];
  const offset = (at: number) => shown(at, zone) - at;
  for (let at = Date.UTC(2009, 0, 1); at < Date.UTC(2020, 0, 1); at += 24 * HOUR_MS) {
    if (offset(at) !== offset(at + 24 * HOUR_MS)) found.push({ zone, atMs: at + offset(at) });
  }
  return found;
});

const nearChange = fc
  .tuple(fc.constantFrom(...changes), fc.integer({ min: -30 * 60, max: 54 * 60 }))
  .map(([{ zone, atMs }, minutes]) => ({ zone, wallMs: atMs + minutes * MINUTE_MS }));
const anywhere = fc.record({
  zone: fc.constantFrom(...ZONES),
  wallMs: fc.integer({ min: Date.UTC(1975, 0, 1) / 1_000, max: Date.UTC(2037, 0, 1) / 1_000 }).map((s) => s * 1_000),
});

const local = (wallMs: number) => new Date(wallMs).toISOString().slice(0, 19).replace('T', ' ');
const options = { seed: 20261128, numRuns: 400 };

describe('a local time', () => {
  it('is the instant at which the clocks of its zone show it, also where they are changed', () => {
    expect(changes.length).toBeGreaterThan(100);
    fc.assert(
      fc.property(fc.oneof(nearChange, anywhere), ({ zone, wallMs }) => {
        const expected = new Date(instantOf(wallMs, zone)).toISOString();
        expect(toDateTime(local(wallMs), false, zone)).toEqual({ ok: expected });
      }),
      options,
    );
  });

  it.each([
    ['is skipped', '2026-03-29 02:30:00', '2026-03-29T01:30:00.000Z'],
    ['stands right before', '2026-03-29 01:59:59', '2026-03-29T00:59:59.000Z'],
    ['stands right after', '2026-03-29 03:00:00', '2026-03-29T01:00:00.000Z'],
    ['occurs twice', '2026-10-25 02:30:00', '2026-10-25T00:30:00.000Z'],
    ['stands after what occurs twice', '2026-10-25 03:00:00', '2026-10-25T02:00:00.000Z'],
  ])('that %s in Berlin: %s', (_, text, expected) => {
    expect(toDateTime(text, false, 'Europe/Berlin')).toEqual({ ok: expected });
  });

  it.each([
    ['2010-03-14 00:00:59', '2010-03-14T03:30:59.000Z'],
    ['2010-03-14 00:05:00', '2010-03-14T03:35:00.000Z'],
    ['2010-03-14 01:05:00', '2010-03-14T03:35:00.000Z'],
    ['2010-11-06 23:10:00', '2010-11-07T01:40:00.000Z'],
    ['2010-11-07 00:05:00', '2010-11-07T03:35:00.000Z'],
  ])('is right where clocks change a minute after midnight, in Newfoundland: %s', (text, expected) => {
    expect(toDateTime(text, false, 'America/St_Johns')).toEqual({ ok: expected });
  });

  it('has its own day, whatever the zone', () => {
    fc.assert(
      fc.property(anywhere, ({ zone, wallMs }) => {
        expect(toDate(local(wallMs), false, zone)).toEqual({ ok: local(wallMs).slice(0, 10) });
        expect(toDate(local(wallMs).slice(0, 10), false, zone)).toEqual({ ok: local(wallMs).slice(0, 10) });
      }),
      options,
    );
  });
});

describe('an instant', () => {
  it('stays what it is, and has the day that clocks of the zone show', () => {
    fc.assert(
      fc.property(anywhere, ({ zone, wallMs: atMs }) => {
        expect(toDateTime(local(atMs), true, zone)).toEqual({ ok: new Date(atMs).toISOString() });
        const day = new Date(shown(atMs, zone)).toISOString().slice(0, 10);
        expect(toDate(local(atMs), true, zone)).toEqual({ ok: day });
      }),
      options,
    );
  });

  it.each([
    ['2026-07-01T12:00:00Z', '2026-07-01T12:00:00.000Z'],
    ['2026-07-01T12:00:00+02:00', '2026-07-01T10:00:00.000Z'],
    ['2026-07-01 12:00-0530', '2026-07-01T17:30:00.000Z'],
  ])('may be a text that says how far it is from UTC: %s', (text, expected) => {
    expect(toDateTime(text, false, 'America/New_York')).toEqual({ ok: expected });
  });

  it('of a text has the day of the zone', () => {
    expect(toDate('2026-07-01T23:30:00Z', false, 'Europe/Berlin')).toEqual({ ok: '2026-07-02' });
  });
});

describe('a fraction of a second', () => {
  it.each([
    ['2026-01-02 03:04:05.6', '.600Z'],
    ['2026-01-02 03:04:05.123456', '.123Z'],
    ['2026-01-02 03:04:05.999999', '.999Z'],
    ['1969-12-31 23:59:59.999999', '.999Z'],
  ])('is cut to milliseconds and never rounded up: %s', (text, end) => {
    expect(toDateTime(text, true, 'UTC')).toEqual({ ok: `${text.slice(0, 19).replace(' ', 'T')}${end}` });
  });
});

describe('no date', () => {
  it.each(['0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00.000000'])('is %s, which clears', (text) => {
    expect(toDate(text, false, 'Europe/Berlin')).toEqual({ ok: '' });
    expect(toDateTime(text, true, 'Europe/Berlin')).toEqual({ ok: '' });
  });

  it.each([
    ['2026-00-00', 'zero'],
    ['2026-05-00', 'zero'],
    ['0000-05-01', 'zero'],
    ['2026-02-30', 'no day of the calendar'],
    ['2026-13-01', 'no day of the calendar'],
    ['2026-01-01 24:00:00', 'no day of the calendar'],
    ['2026-01-01 00:60:00', 'no day of the calendar'],
    ['01.02.2026', 'is not a date like'],
    ['2026-1-2', 'is not a date like'],
    ['12:30:00', 'is not a date like'],
    ['2026-01-01 12:00:00 Europe/Berlin', 'is not a date like'],
    ['tomorrow', 'is not a date like'],
    ['', 'is not a date like'],
  ])('is refused: %j', (text, why) => {
    for (const convert of [toDate, toDateTime]) {
      expect(convert(text, false, 'Europe/Berlin')).toEqual({ refused: expect.stringContaining(why) });
    }
  });

  it('is one that its zone leads out of the years 1 to 9999', () => {
    expect(toDateTime('9999-12-31 23:59:59', false, 'America/New_York')).toEqual({
      refused: expect.stringContaining('9999'),
    });
    expect(toDateTime('0001-01-01 00:00:00', false, 'Europe/Berlin')).toEqual({
      refused: expect.stringContaining('years 1'),
    });
    expect(toDate('9999-12-31', false, 'America/New_York')).toEqual({ ok: '9999-12-31' });
  });

  it('is silently taken for another: what is accepted shows the same day and time', () => {
    const digits = (length: number) =>
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length });
    const text = fc
      .tuple(digits(4), digits(2), digits(2), digits(2), digits(2), digits(2))
      .map(([y, m, d, h, i, s]) => `${y}-${m}-${d} ${h}:${i}:${s}`);
    fc.assert(
      fc.property(text, (written) => {
        const converted = toDateTime(written, true, 'UTC');
        if ('refused' in converted || converted.ok === '') return;
        expect(converted.ok).toBe(`${written.replace(' ', 'T')}.000Z`);
      }),
      { seed: 20261128, numRuns: 5_000 },
    );
  });
});
