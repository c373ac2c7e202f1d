import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatFields, formatJson, formatTable, plain } from '../../src/commands/table.ts';

const options = { seed: 20261128, numRuns: 2_000 };

/** What must not reach a terminal: it moves the cursor, turns the direction of text, or is not seen. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const HARMFUL = /[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Cs}/u;

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '\x1b[31m',
      '\x9b',
      '\u202e',
      '\u2066',
      '\n',
      '\r',
      '\t',
      '\0',
      '\ud83d',
      '\u200b',
      'a',
      '🙂',
      '東',
    ),
  }),
);
const cell = fc.oneof(anyText, fc.integer(), fc.constant(null));

describe('a table', () => {
  const table = fc.integer({ min: 1, max: 4 }).chain((width) => {
    const row = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: width, maxLength: width });
    return fc.record({ headings: row(anyText), rows: fc.array(row(cell), { maxLength: 5 }) });
  });

  it('is one harmless line a row, whatever its cells hold', () => {
    fc.assert(
      fc.property(table, ({ headings, rows }) => {
        const text = formatTable(headings, rows);
        expect(text.split('\n')).toHaveLength(rows.length + 1);
        expect(text).not.toMatch(HARMFUL);
        expect(stripVTControlCharacters(text)).toBe(text);
      }),
      options,
    );
  });

  it('is aligned, numbers to the right, and has no blanks at its ends', () => {
    const rows = [
      ['contacts', 7, null],
      ['o', 12_345, 'x'],
    ] as const;
    expect(formatTable(['OBJECT', 'ROWS', 'CODE'], rows).split('\n')).toEqual([
      'OBJECT     ROWS  CODE',
      'contacts      7',
      'o         12345  x',
    ]);
  });

  it('is aligned by what a terminal shows, also with wide and combining characters', () => {
    const lines = formatTable(
      ['A', 'B'],
      [
        ['東京', 'x'],
        ['e\u0301', 'x'],
        ['🙂', 'x'],
        ['ab', 'x'],
      ],
    ).split('\n');
    expect(lines).toEqual(['A     B', '東京  x', 'e\u0301     x', '🙂    x', 'ab    x']);
  });

  it('shortens what is too wide, and says so', () => {
    expect(formatTable(['A'], [['x'.repeat(61)]])).toBe(`A\n${'x'.repeat(59)}…`);
    expect(formatTable(['A'], [['東'.repeat(40)]])).toBe(`A\n${'東'.repeat(29)}…`);
    expect(formatTable(['A'], [['abcdef']], { widest: 4 })).toBe('A\nabc…');
  });
});

describe('fields', () => {
  it('cannot be imitated by what they hold', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('code', 'message'), cell), { minLength: 1 }), (fields) => {
        const text = formatFields(fields);
        expect(text).not.toMatch(HARMFUL);
        const starts = text.split('\n').filter((line) => /^\S/.test(line));
        expect(starts.map((line) => line.split(' ')[0])).toEqual(fields.map(([name]) => name));
      }),
      options,
    );
  });

  it('show a value of several lines below itself, and nothing as a dash', () => {
    expect(
      formatFields([
        ['sent', 'a: 1\nb: 2'],
        ['code', null],
      ]),
    ).toBe('sent  a: 1\n      b: 2\ncode  -');
  });
});

describe('a plain text', () => {
  it('keeps everything that a terminal shows as it is', () => {
    for (const text of ['Größe 100 €', '東京 🙂', 'naïve e\u0301', 'C:\\temp', 'שלום']) expect(plain(text)).toBe(text);
  });

  it.each([
    ['\x1b[2J', '\\x1b[2J'],
    ['a\nb\r\t', 'a\\nb\\r\\t'],
    ['\x9b31m', '\\x9b31m'],
    ['abc\u202etxt.exe', 'abc\\u202etxt.exe'],
    ['\ud83d', '\\ud83d'],
    ['\u{e0041}', '\\u{e0041}'],
  ])('shows %j as JavaScript writes it', (text, shown) => expect(plain(text)).toBe(shown));
});

describe('JSON', () => {
  it('is harmless too, and means what it meant', () => {
    fc.assert(
      fc.property(fc.record({ id: anyText, lines: fc.array(anyText) }), fc.constantFrom(0, 2), (value, indent) => {
        const text = formatJson(value, indent);
        expect(text).not.toMatch(HARMFUL);
        expect(JSON.parse(text)).toEqual(value);
      }),
      options,
    );
  });
});
