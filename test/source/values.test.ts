import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnKind, SourceValue } from '../../src/source/column.ts';
import { convertValue } from '../../src/source/values.ts';
import { property } from './definition.ts';

const options = { seed: 20261128, numRuns: 2_000 };

function convert(value: SourceValue, kind: ColumnKind, definition = property('string')) {
  return convertValue(value, { name: 'p', kind }, definition, 'Europe/Berlin');
}

const refused = (why: string) => ({ refused: expect.stringContaining(why) });

// Everything that a text may hold: other scripts, emoji, controls, halves of characters.
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('\0', '\ud83d', '\ude00', '\n', ' ', 'e', '1', '.', '-', '0000-00-00', '🙂', '\u202e'),
  }),
);

describe('a text', () => {
  it('is what it was, or refused', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.constantFrom<ColumnKind>('text', 'set', 'time', 'integer', 'decimal', 'bit'),
        (text, kind) => {
          const converted = convert(text, kind);
          if ('ok' in converted) expect(converted.ok).toBe(text);
        },
      ),
      options,
    );
  });

  it('goes whole whenever it is one: every character of utf8mb4', () => {
    const scalars = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed() && !text.includes('\0'));
    fc.assert(
      fc.property(scalars, (text) => {
        expect(convert(text, 'text')).toEqual({ ok: text });
      }),
      options,
    );
    expect(convert('👩‍👩‍👧 Straße 東京', 'text')).toEqual({ ok: '👩‍👩‍👧 Straße 東京' });
  });

  it.each(['string', 'phone_number'])('keeps its blanks and zeros for a property of type %s', (type) => {
    expect(convert(' 0049 ', 'text', property(type))).toEqual({ ok: ' 0049 ' });
  });

  it('has at most 65,536 characters', () => {
    expect(convert('x'.repeat(65_536), 'text')).toEqual({ ok: 'x'.repeat(65_536) });
    expect(convert('x'.repeat(65_537), 'text')).toEqual(refused('is 65537 characters long, and HubSpot takes 65536'));
  });

  it('is refused with a NUL or half a character in it', () => {
    expect(convert('a\0b', 'text')).toEqual(refused('NUL'));
    expect(convert('a\ud83d', 'text')).toEqual(refused('half a character'));
  });

  it('of bytes is a text only when it is one', () => {
    expect(convert(Buffer.from('Grüße 🙂\n'), 'binary')).toEqual({ ok: 'Grüße 🙂\n' });
    expect(convert(Buffer.from([0xfc]), 'binary')).toEqual(refused('is not UTF-8 text'));
    expect(convert(Buffer.from([0x01, 0x41]), 'binary')).toEqual(refused('is binary'));
    expect(convert(Buffer.from([0, 0, 0, 0, 1]), 'geometry')).toEqual(refused('is a geometry'));
    expect(convert(Buffer.from('1'), 'bit')).toEqual(refused('may mean two numbers'));
  });
});

const everyType = ['string', 'number', 'bool', 'enumeration', 'date', 'datetime', 'phone_number', 'json'];
const everyKind: ColumnKind[] = [
  'integer',
  'decimal',
  'float',
  'date',
  'datetime',
  'timestamp',
  'time',
  'bit',
  'set',
  'text',
];

describe('nothing', () => {
  it.each(everyType)('clears a property of type %s', (type) => {
    for (const kind of everyKind) {
      expect(convert(null, kind, property(type)), kind).toEqual({ ok: '' });
      if (kind === 'text' || kind === 'set') expect(convert('', kind, property(type)), kind).toEqual({ ok: '' });
    }
  });

  it('is a zero date, for a date as for a text', () => {
    for (const kind of ['date', 'datetime', 'timestamp'] as const) {
      for (const type of ['date', 'datetime', 'string']) {
        expect(convert('0000-00-00 00:00:00', kind, property(type)), `${kind} ${type}`).toEqual({ ok: '' });
      }
    }
    expect(convert('0000-00-00', 'text'), 'a text that looks like one').toEqual({ ok: '0000-00-00' });
  });
});

describe('a number', () => {
  const number = property('number');
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 40 });
  const decimal = fc
    .tuple(fc.constantFrom('', '-'), digits, fc.option(digits, { nil: null }))
    .map(([sign, whole, fraction]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}`);

  it('of DECIMAL and BIGINT keeps every digit', () => {
    fc.assert(
      fc.property(decimal, fc.constantFrom<ColumnKind>('integer', 'decimal', 'text'), (text, kind) => {
        expect(convert(text, kind, number)).toEqual({ ok: text });
        expect(convert(text, kind)).toEqual({ ok: text });
      }),
      options,
    );
    expect(convert('18446744073709551615', 'integer', number)).toEqual({ ok: '18446744073709551615' });
  });

  it('of FLOAT and DOUBLE has no exponent and is the same number', () => {
    const written = fc
      .tuple(
        fc.constantFrom('', '-'),
        digits,
        fc.option(digits, { nil: null }),
        fc.integer({ min: -60, max: 60 }),
        fc.constantFrom('e', 'e+', 'E'),
      )
      .map(([sign, whole, fraction, exponent, e]) => {
        const mark = exponent < 0 ? e.replace('+', '') : e;
        return `${sign}${whole.slice(0, 5)}${fraction === null ? '' : `.${fraction.slice(0, 12)}`}${mark}${exponent}`;
      });
    const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map(String);
    fc.assert(
      fc.property(fc.oneof(written, double), (text) => {
        for (const type of ['number', 'string']) {
          const converted = convert(text, 'float', property(type));
          expect(converted).toEqual({ ok: expect.stringMatching(/^-?\d+(\.\d+)?$/) });
          if ('ok' in converted) expect(Number(converted.ok)).toBe(Number(text));
        }
      }),
      options,
    );
  });

  it.each([
    ['1e30', `1${'0'.repeat(30)}`],
    ['1.5e-7', '0.00000015'],
    ['-2.50e3', '-2500'],
    ['0e0', '0'],
    ['100', '100'],
  ])('of DOUBLE like %s is written %s', (text, plain) => {
    expect(convert(text, 'float', number)).toEqual({ ok: plain });
  });

  it.each(['12,50', '1 000', '1e5', '+1', '.5', '5.', '', '-', 'NaN', '0x1F', '１２', '12 €'].filter(Boolean))(
    'is none of the text %j',
    (text) => {
      expect(convert(text, 'text', number)).toEqual(refused('is not a number'));
    },
  );

  it('that comes as raw bytes is refused', () => {
    expect(convert('\u0001', 'integer', number)).toEqual(refused('select the BIT column + 0'));
  });
});

describe('a yes or no', () => {
  const bool = property('bool');
  it.each(['1', 'true', 'TRUE', 'yes', 'Y'])('is yes for %s', (text) => {
    expect(convert(text, 'text', bool)).toEqual({ ok: 'true' });
  });
  it.each(['0', 'false', 'No', 'n'])('is no for %s', (text) => {
    expect(convert(text, 'text', bool)).toEqual({ ok: 'false' });
  });
  it.each(['2', '-1', 'on', 'ja', 'unknown', ' 1'])('is refused for %j: nobody guesses', (text) => {
    expect(convert(text, 'text', bool)).toEqual(refused('is neither true nor false'));
  });
});

describe('an option', () => {
  const options = [
    { label: 'Shoes', value: 'shoes' },
    { label: 'Hand bags', value: 'bags' },
    { label: 'A;B', value: 'a_b' },
  ];
  const one = property('enumeration', { options });
  const many = property('enumeration', { options, fieldType: 'checkbox' });

  it.each([
    ['a SET', 'shoes,bags', 'set', many, 'shoes;bags'],
    ['a SET of labels', 'Shoes,Hand bags', 'set', many, 'shoes;bags'],
    ['a SET of one', 'bags', 'set', one, 'bags'],
    ['a SET that an expression made a text', 'shoes,bags', 'text', many, 'shoes;bags'],
    ['a list', 'Shoes; Hand bags', 'text', many, 'shoes;bags'],
    ['a list that says one twice', 'shoes;Shoes', 'text', many, 'shoes'],
    ['a label that holds a semicolon', 'A;B', 'text', many, 'a_b'],
    ['a label', 'Hand bags', 'text', one, 'bags'],
    ['an ENUM', 'shoes', 'text', one, 'shoes'],
  ] as const)('of %s: %s', (_, text, kind, definition, value) => {
    expect(convert(text, kind, definition)).toEqual({ ok: value });
  });

  it.each([
    ['shoes,bags', 'set', one, 'holds several options, and the property takes one'],
    ['shoes;hats', 'text', many, 'is no option of the property, which takes shoes, bags, a_b'],
    [';shoes', 'text', many, 'is no option'],
    ['shoes,hats', 'set', many, 'is no option'],
    ['shoes;bags', 'text', one, 'is no option'],
    ['hat', 'text', one, 'is no option'],
  ] as const)('refuses %s', (text, kind, definition, why) => {
    expect(convert(text, kind, definition)).toEqual(refused(why));
  });

  it('may be true and false, for a TINYINT or BIT', () => {
    const yesNo = property('enumeration', {
      options: [
        { label: 'Yes', value: 'true' },
        { label: 'No', value: 'false' },
      ],
    });
    expect(convert('1', 'integer', yesNo)).toEqual({ ok: 'true' });
    expect(convert('0', 'bit', yesNo)).toEqual({ ok: 'false' });
    expect(convert('No', 'text', yesNo)).toEqual({ ok: 'false' });
    expect(convert('1', 'text', yesNo)).toEqual(refused('is no option'));
  });

  it('is never anything but options of the property', () => {
    const word = fc.string({ unit: fc.constantFrom('shoes', 'Shoes', 'Hand bags', 'A;B', ';', ',', ' ', 'x', '1') });
    fc.assert(
      fc.property(
        word,
        fc.constantFrom(one, many),
        fc.constantFrom<ColumnKind>('text', 'set'),
        (text, definition, kind) => {
          const converted = convert(text, kind, definition);
          if ('refused' in converted || converted.ok === '') return;
          for (const value of converted.ok.split(';')) expect(options.map((each) => each.value)).toContain(value);
        },
      ),
      { seed: 20261128, numRuns: 5_000 },
    );
  });
});

describe('a date', () => {
  it.each([
    ['2026-07-01', 'date', 'date', '2026-07-01'],
    ['2026-07-01 00:30:00', 'datetime', 'date', '2026-07-01'],
    ['2026-06-30 22:30:00', 'timestamp', 'date', '2026-07-01'],
    ['2026-07-01', 'date', 'datetime', '2026-06-30T22:00:00.000Z'],
    ['2026-07-01 00:30:00', 'datetime', 'datetime', '2026-06-30T22:30:00.000Z'],
    ['2026-07-01 00:30:00', 'timestamp', 'datetime', '2026-07-01T00:30:00.000Z'],
    ['2026-07-01 00:30:00', 'text', 'datetime', '2026-06-30T22:30:00.000Z'],
    ['1782864000000', 'integer', 'date', '2026-07-01'],
    ['1782864000001', 'decimal', 'datetime', '2026-07-01T00:00:00.001Z'],
  ] as const)('%s of a %s column for a %s property is %s', (text, kind, type, expected) => {
    expect(convert(text, kind, property(type))).toEqual({ ok: expected });
  });

  it.each([
    ['1782864000', 'integer', 'datetime', 'multiply seconds by 1000'],
    ['0', 'integer', 'date', 'make 0 NULL'],
    ['1782864000001', 'integer', 'date', 'is not midnight UTC'],
    ['20260701', 'integer', 'date', 'too small for milliseconds'],
    ['999999999999999', 'integer', 'datetime', 'is not a date'],
    ['1.5', 'decimal', 'datetime', 'is not a date'],
    ['12:30:00', 'time', 'datetime', 'is not a date like'],
    ['2026-02-30', 'date', 'date', 'no day of the calendar'],
    ['2026-00-00', 'date', 'date', 'zero'],
    ['soon', 'text', 'date', 'is not a date like'],
  ] as const)('refuses %s of a %s column for a %s property', (text, kind, type, why) => {
    expect(convert(text, kind, property(type))).toEqual(refused(why));
  });

  it('goes as it is written for a text', () => {
    expect(convert('2026-07-01 00:30:00', 'datetime')).toEqual({ ok: '2026-07-01 00:30:00' });
  });
});

describe('a property that nobody can write', () => {
  it.each(['json', 'object_coordinates'])('of type %s refuses every value', (type) => {
    expect(convert('{}', 'text', property(type))).toEqual(refused('HubSpot lets nobody write'));
  });
});
