import { describe, expect, it } from 'vitest';
import { checkSettings, defaultSettings, settingsTable } from '../../src/config/settings.ts';

const rows = Object.entries(settingsTable);
const counts = rows.filter(([, { expected }]) => expected.startsWith('a whole number'));

describe('settings', () => {
  it('have defaults that they accept, and that fit together', () => {
    for (const [name, row] of rows) expect(row.accepts(row.default), name).toBe(true);
    expect(checkSettings(defaultSettings())).toBeNull();
  });

  it('are named in the file as in the program', () => {
    for (const [name, row] of rows)
      expect(name.replace(/_./g, ([, letter = '']) => letter.toUpperCase())).toBe(row.name);
    expect(Object.keys(defaultSettings()).sort()).toEqual(rows.map(([, { name }]) => name).sort());
  });

  it.each(counts)('%s keeps its bounds', (_, { expected, accepts }) => {
    const [least = Number.NaN, most = Number.NaN] = (/(\d+) to (\d+)$/.exec(expected) ?? []).slice(1).map(Number);
    for (const within of [least, most]) expect(accepts(within), `${within}`).toBe(true);
    const wrong = [
      least - 1,
      most + 1,
      least + 0.5,
      String(least),
      Number.NaN,
      Number.POSITIVE_INFINITY,
      [least],
      true,
      '',
    ];
    for (const value of wrong) expect(accepts(value), `${value}`).toBe(false);
  });

  it('may leave the calls of a day unlimited, and nothing else', () => {
    expect(rows.filter(([, { accepts }]) => accepts(null)).map(([name]) => name)).toEqual(['calls_per_day']);
  });

  it.each(['* * * * *', '*/5 * * * * *', '0 3 * * 1-5', '0 0 1 jan *'])('take the schedule %s', (schedule) => {
    expect(settingsTable.schedule?.accepts(schedule)).toBe(true);
  });

  it.each(['', 'often', '* * * *', '61 * * * *', '* * * * * * *', 5, null])('refuse the schedule %s', (schedule) => {
    expect(settingsTable.schedule?.accepts(schedule)).toBe(false);
  });

  it('want a claim to outlast the call it is made for', () => {
    const settings = { ...defaultSettings(), requestTimeoutMs: 30_000 };
    expect(checkSettings({ ...settings, leaseMs: 30_000 })?.setting).toBe('lease_ms');
    expect(checkSettings({ ...settings, leaseMs: 30_001 })).toBeNull();
  });
});
