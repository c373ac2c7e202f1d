import { IANAZone } from 'luxon';

export type Converted = { ok: string } | { refused: string };

/** A time as a clock on the wall shows it, in milliseconds as though it were UTC, and how far from UTC, where it says so. */
type Reading = { wallMs: number; offsetMs: number | null };

const SHAPE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(?:(Z)|([+-])([01]\d):?([0-5]\d))?)?$/;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * A calendar day as HubSpot takes it, `YYYY-MM-DD`, which means midnight UTC. A local time has its own day; an instant
 * (a TIMESTAMP column, or a text that says how far it is from UTC) has the day it is in `timeZone`.
 */
export function toDate(text: string, isInstant: boolean, timeZone: string): Converted {
  const reading = read(text);
  if ('ok' in reading || 'refused' in reading) return reading;
  const isLocal = reading.offsetMs === null && !isInstant;
  return isoOf(isLocal ? reading.wallMs : toWall(reading.wallMs - (reading.offsetMs ?? 0), timeZone), 10);
}

/**
 * An instant as HubSpot takes it, ISO 8601 in UTC with milliseconds; finer fractions are cut off. A local time is meant
 * in `timeZone`: one that a change of clocks skips is as long after the change as it claims to be (02:30 becomes 03:30);
 * one that occurs twice is the first.
 */
export function toDateTime(text: string, isInstant: boolean, timeZone: string): Converted {
  const reading = read(text);
  if ('ok' in reading || 'refused' in reading) return reading;
  const { wallMs, offsetMs } = reading;
  if (offsetMs !== null) return isoOf(wallMs - offsetMs, 24);
  return isoOf(isInstant ? wallMs : toInstant(wallMs, timeZone), 24);
}

/** `''` for a zero date, which clears; `refused` for one that is partly zero or no day of the calendar. */
function read(text: string): Reading | Converted {
  if (text.startsWith('0000') && /^0000-00-00([ T]00:00(:00(\.0+)?)?)?$/.test(text)) return { ok: '' };
  const plainMs = readPlain(text);
  if (plainMs !== null) return { wallMs: plainMs, offsetMs: null };
  const parts = SHAPE.exec(text);
  if (parts === null) return { refused: 'is not a date like 2026-11-30 or 2026-11-30 15:04:05' };
  const [, year = '', month = '', day = '', hour = '0', minute = '0', second = '0', fraction = ''] = parts;
  if (year === '0000' || month === '00' || day === '00')
    return { refused: 'is a date with a year, month or day of zero' };
  const wall = new Date(0);
  wall.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  wall.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.slice(0, 3).padEnd(3, '0')));
  const isDay = wall.getUTCMonth() + 1 === Number(month) && wall.getUTCDate() === Number(day);
  const isReal = isDay && Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  return isReal ? { wallMs: wall.getTime(), offsetMs: offsetOf(parts) } : { refused: 'is no day of the calendar' };
}

/** Nearly every value is one a server writes, of a day that every month has: `2026-11-28`, `2026-11-28 15:04:05`. Else null. */
function readPlain(text: string): number | null {
  if (text.length !== 10 && text.length !== 19) return null;
  if (text[4] !== '-' || text[7] !== '-') return null;
  const year = digits(text, 0) * 100 + digits(text, 2);
  const month = digits(text, 5);
  const day = digits(text, 8);
  if (!(year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 28)) return null;
  if (text.length === 10) return Date.UTC(year, month - 1, day);
  if (text[10] !== ' ' || text[13] !== ':' || text[16] !== ':') return null;
  const hour = digits(text, 11);
  const minute = digits(text, 14);
  const second = digits(text, 17);
  return hour < 24 && minute < 60 && second < 60 ? Date.UTC(year, month - 1, day, hour, minute, second) : null;
}

/** The number two digits make, or NaN. */
function digits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function offsetOf(parts: RegExpExecArray): number | null {
  const [isUtc, sign, hours, minutes] = parts.slice(8);
  if (isUtc !== undefined) return 0;
  if (sign === undefined) return null;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
}

// Luxon reads a local time with the offset of today where two are possible: the same row would mean something else in
// summer and in winter.
function toInstant(wallMs: number, timeZone: string): number {
  const before = offsetAt(wallMs - DAY_MS, timeZone);
  const after = offsetAt(wallMs + DAY_MS, timeZone);
  if (before === after) return wallMs - before;
  const possible = [wallMs - before, wallMs - after].filter((at) => at + offsetAt(at, timeZone) === wallMs);
  return possible.length === 0 ? wallMs - before : Math.min(...possible);
}

function toWall(instantMs: number, timeZone: string): number {
  return instantMs + offsetAt(instantMs, timeZone);
}

const QUARTER_MS = 15 * MINUTE_MS;
const MOST_REMEMBERED = 50_000;

/** What a zone's offset was at a moment never changes, and working it out takes longer than all else of a record. */
const remembered = new Map<string, Map<number, number>>();

/** Most clocks change at a full quarter of an hour; those of Newfoundland did a minute after midnight. */
function offsetAt(instantMs: number, timeZone: string): number {
  const quarter = Math.floor(instantMs / QUARTER_MS);
  const ofZone = rememberedOf(timeZone);
  const offsetMs = offsetAtQuarter(quarter, timeZone, ofZone);
  return offsetMs === offsetAtQuarter(quarter + 1, timeZone, ofZone) ? offsetMs : findOffset(instantMs, timeZone);
}

function rememberedOf(timeZone: string): Map<number, number> {
  const known = remembered.get(timeZone);
  if (known !== undefined) return known;
  const empty = new Map<number, number>();
  remembered.set(timeZone, empty);
  return empty;
}

function offsetAtQuarter(quarter: number, timeZone: string, ofZone: Map<number, number>): number {
  const known = ofZone.get(quarter);
  if (known !== undefined) return known;
  if (ofZone.size >= MOST_REMEMBERED) ofZone.clear();
  const offsetMs = findOffset(quarter * QUARTER_MS, timeZone);
  ofZone.set(quarter, offsetMs);
  return offsetMs;
}

function findOffset(instantMs: number, timeZone: string): number {
  return Math.round(IANAZone.create(timeZone).offset(instantMs) * MINUTE_MS);
}

/** ISO 8601 has four digits for a year; the time zone can lead a first or last day out of them. */
function isoOf(ms: number, length: 10 | 24): Converted {
  const iso = new Date(ms).toISOString();
  // Years beyond four digits have a sign before them.
  return iso.length === 24 && !iso.startsWith('0000')
    ? { ok: iso.slice(0, length) }
    : { refused: 'is outside the years 1 to 9999 in UTC' };
}
