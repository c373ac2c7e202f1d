/** What a statement holds besides its values, at most. */
const STATEMENT_BYTES = 65_536;
const ROW_BYTES = 256;

/**
 * Splits rows of a multi-row statement so that each part fits into a packet (`max_allowed_packet`: 1 MB to 1 GB). Pure. A row that does not fit alone is in
 * no part.
 */
export function inParts<T extends readonly (string | null)[]>(rows: readonly T[], packetBytes: number): T[][] {
  const room = packetBytes - STATEMENT_BYTES;
  if (mostBytesOf(rows) <= room) return rows.length === 0 ? [] : [[...rows]];
  const parts: T[][] = [];
  let left = 0;
  for (const row of rows) {
    const bytes = row.reduce((sum, value) => sum + bytesOf(value), ROW_BYTES);
    if (bytes > room) continue;
    const part = parts.at(-1);
    if (part === undefined || bytes > left) {
      parts.push([row]);
      left = room - bytes;
    } else {
      part.push(row);
      left -= bytes;
    }
  }
  return parts;
}

/** What rows take at most: counting more exactly costs more than all else about a statement. */
function mostBytesOf(rows: readonly (readonly (string | null)[])[]): number {
  let bytes = 0;
  for (const row of rows) {
    bytes += ROW_BYTES;
    for (const value of row) bytes += value === null ? 4 : 2 + MOST_BYTES * value.length;
  }
  return bytes;
}

/** Of a UTF-16 code unit: in UTF-8 three, and what is escaped takes two. */
const MOST_BYTES = 3;

/** As a literal: quotes, backslashes, line ends and a few more take two bytes. */
function bytesOf(value: string | null): number {
  if (value === null) return 4;
  let escaped = 2;
  for (let index = 0; index < value.length; index += 1) {
    if (ESCAPED.has(value.charCodeAt(index))) escaped += 1;
  }
  return Buffer.byteLength(value) + escaped;
}

/** NUL, backspace, tab, line feed, carriage return, Ctrl-Z, quotes, backslash. */
const ESCAPED = new Set([0, 8, 9, 10, 13, 26, 34, 39, 92]);
