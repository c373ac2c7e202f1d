import { isUtf8 } from 'node:buffer';
import type { Definition } from '../hubspot/definition.ts';
import type { ColumnKind, SourceColumn, SourceValue } from './column.ts';
import { findOption, listOptions } from './options.ts';
import { type Converted, toDate, toDateTime } from './times.ts';

/** HubSpot's limit for one value. */
const MAX_CHARACTERS = 65_536;

/**
 * A value of the source as HubSpot's property takes it, or why it cannot be one. Never a silently changed value.
 * NULL is `''`, which clears. Without a definition (HubSpot is away and was never asked) the value goes as text.
 */
export function convertValue(
  value: SourceValue,
  { kind }: SourceColumn,
  definition: Definition | undefined,
  timeZone: string,
): Converted {
  if (value === null) return { ok: '' };
  const text = typeof value === 'string' ? value : value.toString('utf8');
  const refused = typeof value === 'string' ? refuseText(value, kind) : refuseBytes(value, text, kind);
  if (refused !== null) return { refused };
  const converted = convertText(text, kind, definition, timeZone);
  if ('ok' in converted && converted.ok.length > MAX_CHARACTERS) {
    return { refused: `is ${converted.ok.length} characters long, and HubSpot takes ${MAX_CHARACTERS}` };
  }
  return converted;
}

/** Why a text is none; null where it is one. */
function refuseText(text: string, kind: ColumnKind): string | null {
  const isNumeric = kind === 'integer' || kind === 'decimal' || kind === 'float';
  // IF(…, bit_column, 0) is announced as a number and comes as raw bytes on MySQL 9.
  if (isNumeric && !/^-?[\d.]+(e[+-]?\d+)?$/i.test(text)) return 'comes as raw bytes: select the BIT column + 0';
  if (!text.isWellFormed()) return 'holds half a character (a lone surrogate)';
  if (text.includes('\0')) return 'holds a NUL character, which no text has';
  return null;
}

function refuseBytes(bytes: Buffer, text: string, kind: ColumnKind): string | null {
  if (kind === 'bit') return 'may mean two numbers as it comes: select the BIT expression + 0';
  if (kind === 'geometry') return 'is a geometry: select its ST_AsText, ST_X or ST_Y';
  if (!isUtf8(bytes)) return 'is not UTF-8 text: select its HEX or TO_BASE64, or CONVERT it';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells bytes from text
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) return 'is binary: select its HEX or TO_BASE64';
  return null;
}

function convertText(text: string, kind: ColumnKind, definition: Definition | undefined, timeZone: string): Converted {
  // In a text column as in others, nothing is nothing.
  if (text === '') return { ok: '' };
  switch (definition?.type) {
    case 'number':
      return toNumber(text, kind);
    case 'bool':
      return toBool(text);
    case 'enumeration':
      return toKnownOptions(text, kind, definition);
    case 'date':
      return isCount(kind) ? toEpoch(text, 10) : toDate(text, kind === 'timestamp', timeZone);
    case 'datetime':
      return isCount(kind) ? toEpoch(text, 24) : toDateTime(text, kind === 'timestamp', timeZone);
    case 'json':
    case 'object_coordinates':
      return { refused: `is for a property of type ${definition.type}, which HubSpot lets nobody write` };
    default:
      return toText(text, kind);
  }
}

function toText(text: string, kind: ColumnKind): Converted {
  const isZeroDate = isTime(kind) && /^0000-00-00( 00:00:00(\.0+)?)?$/.test(text);
  return { ok: isZeroDate ? '' : kind === 'float' ? plainNumber(text) : text };
}

function isTime(kind: ColumnKind): boolean {
  return kind === 'date' || kind === 'datetime' || kind === 'timestamp';
}

function isCount(kind: ColumnKind): boolean {
  return kind === 'integer' || kind === 'decimal' || kind === 'float' || kind === 'bit';
}

function toNumber(text: string, kind: ColumnKind): Converted {
  const number = kind === 'float' ? plainNumber(text) : text;
  return /^-?\d+(\.\d+)?$/.test(number) ? { ok: number } : { refused: 'is not a number: digits and one point' };
}

/** `1.5e-7` as digits and one point: HubSpot takes no exponent. */
function plainNumber(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]?\d+)$/i.exec(text);
  if (match === null) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const point = whole.length + Number(exponent);
  const digits = (whole + fraction)
    .padEnd(point, '0')
    .padStart(whole.length + fraction.length + Math.max(0, 1 - point), '0');
  const at = Math.max(point, 1);
  const plain = `${digits.slice(0, at)}.${digits.slice(at)}`.replace(/\.?0*$/, '').replace(/^0+(?=\d)/, '');
  return `${sign}${plain}`;
}

const TRUE = ['1', 'true', 'yes', 'y'];
const FALSE = ['0', 'false', 'no', 'n'];

function toBool(text: string): Converted {
  const word = text.toLowerCase();
  if (TRUE.includes(word)) return { ok: 'true' };
  if (FALSE.includes(word)) return { ok: 'false' };
  return { refused: 'is neither true nor false (1, true, yes, y; 0, false, no, n)' };
}

const MOST_REMEMBERED = 1_000;
const LONGEST_REMEMBERED = 100;

/** What a text means to a property never changes, and an enumeration has few. */
const remembered = new WeakMap<Definition, Map<string, Converted>>();

function toKnownOptions(text: string, kind: ColumnKind, definition: Definition): Converted {
  if (text.length > LONGEST_REMEMBERED) return toOptions(text, kind, definition);
  const ofProperty = remembered.get(definition) ?? new Map<string, Converted>();
  const key = `${kind} ${text}`;
  const known = ofProperty.get(key);
  if (known !== undefined) return known;
  if (ofProperty.size >= MOST_REMEMBERED) ofProperty.clear();
  const converted = toOptions(text, kind, definition);
  remembered.set(definition, ofProperty.set(key, converted));
  return converted;
}

function toOptions(text: string, kind: ColumnKind, definition: Definition): Converted {
  const isMany = definition.fieldType === 'checkbox';
  for (const words of waysToSplit(text, kind, definition)) {
    const values = words.map((word) => findOption(definition, word) ?? findBool(definition, word, kind));
    if (values.some((value) => value === null || value === '')) continue;
    if (values.length > 1 && !isMany) return { refused: 'holds several options, and the property takes one' };
    return { ok: [...new Set(values)].join(';') };
  }
  return { refused: `is no option of the property, which takes ${listOptions(definition)}` };
}

/**
 * A SET is a list, whatever it is for. For a property that takes several, a text is a list; where the options are known
 * it may also be one option that holds a semicolon, or a SET that an expression made a text of (`MAX(set_column)` on MariaDB).
 */
function waysToSplit(text: string, kind: ColumnKind, definition: Definition): string[][] {
  if (kind === 'set') return [text.split(',')];
  if (definition.fieldType !== 'checkbox') return [[text]];
  const list = text.split(';').map((word) => word.trim());
  const isKnown = definition.options.length > 0 && !definition.hasExternalOptions;
  return isKnown ? [[text], list, text.split(',')] : [list];
}

/** A yes/no enumeration has the options true and false, and the source a TINYINT or BIT. */
function findBool(definition: Definition, word: string, kind: ColumnKind): string | null {
  if (kind !== 'integer' && kind !== 'bit') return null;
  const bool = toBool(word);
  return 'ok' in bool ? findOption(definition, bool.ok) : null;
}

/** Below this, counted in milliseconds, is before March 1973; counted in seconds, it is any day until the year 5138. */
const LEAST_EPOCH_MS = 100_000_000_000;

/** A number for a date or datetime counts milliseconds since 1970, as it does in HubSpot; seconds would go unnoticed. */
function toEpoch(text: string, length: 10 | 24): Converted {
  const ms = /^-?\d{1,15}$/.test(text) ? Number(text) : null;
  if (ms === null || ms > 253_402_300_799_999 || ms < -62_135_596_800_000)
    return { refused: 'is not a date, and as milliseconds since 1970 it is none either' };
  if (Math.abs(ms) < LEAST_EPOCH_MS) {
    return { refused: 'is too small for milliseconds since 1970: multiply seconds by 1000, and make 0 NULL by NULLIF' };
  }
  const iso = new Date(ms).toISOString();
  if (length === 10 && !iso.endsWith('T00:00:00.000Z')) return { refused: 'is not midnight UTC in milliseconds' };
  return { ok: iso.slice(0, length) };
}
