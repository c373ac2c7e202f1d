import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkQuery, namesColumn, trimQuery } from '../../src/config/checkQuery.ts';
import {
  bareCode,
  fillPlaceholders,
  foldBlanks,
  placeholderNames,
  splitPlaceholders,
  withoutComments,
} from '../../src/config/placeholder.ts';

const options = { seed: 20261128, numRuns: 2_000 };

// Any characters that matter to the grammar of SQL, and placeholders that must not be taken for one.
const inside = fc.string({
  unit: fc.constantFrom('a', ' ', ':ids', '--', '#', '/*', "'", '"', '`', '\\', '\n', '?', 'ü', '🙂'),
});

const string = fc
  .constantFrom("'", '"')
  .chain((quote) =>
    inside.map((text) => quote + text.replaceAll('\\', '\\\\').replaceAll(quote, quote + quote) + quote),
  );
const name = inside.map((text) => `\`${text.replaceAll('`', '``')}\``);
const comment = fc.oneof(
  inside.map((text) => `-- ${text.replaceAll('\n', '')}\n`),
  inside.map((text) => `#${text.replaceAll('\n', '')}\n`),
  inside.map((text) => `/*${text.replaceAll('*/', '')} */`),
);
const code = fc.constantFrom(
  'SELECT ',
  ' u.id ',
  ' , ',
  ' a-1 ',
  ' a--1 ',
  ' / ',
  ' * ',
  ' = ',
  ' @a := 1 ',
  ' b::c ',
  ' ? ',
  '(',
  ')',
);
const placeholder = fc.constantFrom('ids', 'keys', '_x9').map((word) => ({ placeholder: word }));
const sql = fc.array(fc.oneof(string, name, comment, code, placeholder).map((part) => part));

const textOf = (parts: (string | { placeholder: string })[]) =>
  parts.map((part) => (typeof part === 'string' ? part : ` :${part.placeholder} `)).join('');

describe('placeholders', () => {
  it('are found outside strings, quoted names and comments, and nowhere else', () => {
    fc.assert(
      fc.property(sql, (parts) => {
        const expected = parts.flatMap((part) => (typeof part === 'string' ? [] : [part.placeholder]));
        expect(placeholderNames(textOf(parts))).toEqual(expected);
      }),
      options,
    );
  });

  it('split SQL without losing a character', () => {
    fc.assert(
      fc.property(sql, (parts) => {
        const text = textOf(parts);
        const pieces = splitPlaceholders(text).map((piece) => ('name' in piece ? `:${piece.name}` : piece.text));
        expect(pieces.join('')).toBe(text);
      }),
      options,
    );
  });

  it('are filled in and leave all else as it was', () => {
    fc.assert(
      fc.property(sql, fc.string(), (parts, filling) => {
        const texts = { ids: filling, keys: filling, _x9: filling };
        const expected = parts.map((part) => (typeof part === 'string' ? part : ` ${filling} `)).join('');
        expect(fillPlaceholders(textOf(parts), texts)).toBe(expected);
      }),
      options,
    );
  });

  it('are no casts, assignments and times', () => {
    expect(placeholderNames("SELECT a::int, @b := c, '12:ids', x:ids")).toEqual([]);
  });

  it('without a text are a bug', () => {
    expect(() => fillPlaceholders('SELECT :keys', { ids: '1' })).toThrow(':keys');
  });

  it('end at a string that never ends: the server refuses that', () => {
    expect(placeholderNames("SELECT 'a :ids")).toEqual(['ids']);
  });
});

describe('bare code', () => {
  it('holds no comment, and nothing of strings and quoted names', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(string, name, comment, code)), (parts) => {
        const expected = parts.map((part) => (/^(?:--\s|#|\/\*)/.test(part) ? ' ' : /^['"`]/.test(part) ? "''" : part));
        // A comment of dashes or a # ends before its line break.
        const ends = parts.map((part, n) => (/^(?:--\s|#)/.test(part) ? `${expected[n]}\n` : expected[n]));
        expect(bareCode(parts.map((part) => `${part}|`).join(''))).toBe(ends.map((part) => `${part}|`).join(''));
      }),
      options,
    );
  });

  it('keeps strings when only comments are taken out', () => {
    expect(withoutComments("SELECT '-- a' -- b\n, `#c` # d\n, /* e */ 1")).toBe("SELECT '-- a'  \n, `#c`  \n,   1");
  });
});

describe('a query', () => {
  const cases: [sql: string, problem: string | null][] = [
    ['SELECT 1 FROM a WHERE id IN (:ids)', null],
    ['(SELECT 1 FROM a WHERE id IN (:ids))', null],
    ['-- why\nselect 1 FROM a WHERE id IN (:ids)', null],
    ["SELECT 'for update', `into` FROM a WHERE id IN (:ids)", null],
    ['DELETE FROM a WHERE id IN (:ids)', 'expected a SELECT, got "DELETE FROM"'],
    ['/* SELECT */ UPDATE a SET b = 1 WHERE id IN (:ids)', 'expected a SELECT, got "UPDATE a"'],
    ['SELECT 1 FROM a WHERE id IN (:ids) FOR UPDATE', "FOR UPDATE and FOR SHARE lock the application's rows"],
    ['SELECT 1 FROM a WHERE id IN (:ids) for\nshare', "FOR UPDATE and FOR SHARE lock the application's rows"],
    ['SELECT 1 FROM a WHERE id IN (:ids) LOCK IN SHARE MODE', "LOCK IN SHARE MODE locks the application's rows"],
    ["SELECT 1 INTO OUTFILE '/tmp/x' FROM a WHERE id IN (:ids)", 'INTO writes the result elsewhere'],
    ['SELECT 1 INTO @a FROM a WHERE id IN (:ids)', 'INTO writes the result elsewhere'],
    ['SELECT 1 FROM a WHERE id IN (:ids); DROP TABLE a', 'found a second statement'],
    ['SELECT 1 FROM a', 'expected :ids once'],
    ["SELECT ':ids' FROM a -- :ids", 'it is nowhere outside strings and comments'],
    ['SELECT 1 FROM a WHERE id IN (:ids) OR b IN (:ids)', 'found it 2 times'],
    ['SELECT 1 FROM a WHERE id IN (:ids) AND b = :keys', ':keys is no placeholder here; the only one is :ids'],
  ];
  it.each(cases)('%s', (text, problem) => {
    const problems = checkQuery(text, 'ids');
    if (problem === null) expect(problems).toEqual([]);
    else expect(problems.join('\n')).toContain(problem);
  });

  it('is trimmed of the semicolon and the comments it ends with, and of nothing else', () => {
    expect(trimQuery('SELECT 1 ; -- done\n')).toBe('SELECT 1');
    expect(trimQuery('SELECT 1 /* a */ # b')).toBe('SELECT 1');
    expect(trimQuery("SELECT ';'")).toBe("SELECT ';'");
    expect(trimQuery("SELECT '-- a'")).toBe("SELECT '-- a'");
    expect(trimQuery("SELECT '# a;'")).toBe("SELECT '# a;'");
  });

  it('names a column that stands outside its comments', () => {
    expect(namesColumn('SELECT id AS source_id', 'source_id')).toBe(true);
    expect(namesColumn('SELECT * -- source_id', 'source_id')).toBe(false);
    expect(namesColumn('SELECT my_source_id', 'source_id')).toBe(false);
  });
});

describe('blanks', () => {
  const blank = fc.constantFrom(' ', '\n', '\t  ', ' -- told\n', '/* told\n*/', '#\n', '\n/**/\r\n');
  const word = fc.oneof(string, name, fc.constantFrom('SELECT', 'u.id', '=', ':ids', '(', '/*! 5 */'));

  it('and comments outside strings and quoted names are folded to one, and nothing else', () => {
    const set = fc.array(fc.tuple(word, blank, blank));
    fc.assert(
      fc.property(set, blank, blank, (parts, before, between) => {
        const text = before + parts.map(([each, first, second]) => each + first + between + second).join('');
        expect(foldBlanks(text)).toBe(parts.map(([each]) => each).join(' '));
      }),
      options,
    );
  });
});
