import { escape as quote } from 'mysql2';

/**
 * How a key column is written as text, everywhere outside SQL: `integer` as decimal digits, `text` as it is,
 * `binary` as upper-case hexadecimal digits.
 */
export type KeyKind = 'integer' | 'text' | 'binary';

/** A key as an SQL literal of its column's type, so that the column's index is used and no digit is lost. */
export function keyLiteral(kind: KeyKind, text: string): string {
  switch (kind) {
    case 'integer':
      if (!/^-?\d+$/.test(text)) throw new TypeError('an integer key holds something else than digits');
      return text;
    case 'text':
      return quoteText(text);
    case 'binary':
      if (!/^(?:[0-9A-F]{2})*$/.test(text))
        throw new TypeError('a binary key holds something else than hexadecimal digits');
      return `x'${text}'`;
  }
}

/** `1, 2, 3`: what stands in the brackets of IN (…); NULL for none, which no key equals. */
export function keyList(kind: KeyKind, texts: readonly string[]): string {
  return texts.length === 0 ? 'NULL' : texts.map((text) => keyLiteral(kind, text)).join(', ');
}

/** The SQL that gives a key column as text. */
export function keyAsText(kind: KeyKind, column: string): string {
  return kind === 'binary' ? `HEX(${column})` : column;
}

/** A name as SQL takes it, whatever stands in it. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A text as an SQL literal. */
export function quoteText(text: string): string {
  return quote(text);
}
