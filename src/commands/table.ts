type Cell = string | number | null;

/**
 * Rows under their headings, in aligned columns; numbers to the right. Cells may come from anybody's data: each is one
 * line of harmless characters, at most `widest` columns wide.
 */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  { widest = 60 }: { widest?: number } = {},
): string {
  const texts = [headings, ...rows].map((row) => row.map((cell) => shorten(plain(String(cell ?? '')), widest)));
  const widths = headings.map((_, column) => Math.max(...texts.map((row) => widthOf(row[column] ?? ''))));
  const isNumeric = headings.map((_, column) => rows.every((row) => typeof (row[column] ?? 0) === 'number'));
  return texts
    .map((row) =>
      row
        .map((text, column) => pad(text, widths[column] ?? 0, rows.length > 0 && isNumeric[column] === true))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `name  value` lines, aligned; a value of several lines is indented below the first. */
export function formatFields(fields: readonly (readonly [name: string, value: Cell])[]): string {
  const widest = Math.max(...fields.map(([name]) => name.length));
  return fields
    .map(([name, value]) => {
      const lines = String(value ?? '-')
        .split('\n')
        .map(plain);
      return `${name.padEnd(widest)}  ${lines.join(`\n${' '.repeat(widest + 2)}`)}`.trimEnd();
    })
    .join('\n');
}

// Controls (C0, DEL, C1) drive a terminal; bidirectional marks and other invisible characters make a text look like
// another one; half a surrogate pair is no character.
const HARMFUL =
  /[\p{Cc}\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu;

/** A text of data as one line that a terminal shows as it is: what it would not show is escaped, as in JavaScript. */
export function plain(text: string): string {
  return text.replace(HARMFUL, (character) => {
    const short = SHORT[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    if (code > 0xffff) return `\\u{${code.toString(16)}}`;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** JSON for people's terminals and for programs: characters that `plain` would escape are escaped as JSON does. */
export function formatJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(HARMFUL, (character) =>
    character === '\n' ? character : character.replace(/[\s\S]/g, escapeUnit),
  );
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function shorten(text: string, widest: number): string {
  if (widthOf(text) <= widest) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > widest - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function pad(text: string, width: number, isRight: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return isRight ? `${space}${text}` : `${text}${space}`;
}

const WIDE =
  /[\u1100-\u115e\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns on a terminal: two for East Asian wide characters and emoji, none for combining marks. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}
