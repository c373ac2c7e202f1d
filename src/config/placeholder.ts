/** A piece of SQL: text as it stands, or the name of a placeholder (`:ids` → `ids`). */
export type Piece = { text: string } | { name: string };

// Strings, quoted names and comments are skipped whole; what is left may hold `:name` or a bare `?`.
const TOKEN =
  /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`]|``)*`|--(?=[\s]|$)[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|(?<![:\w]):([A-Za-z_]\w*)/g;

/** Splits SQL at its named placeholders; `:name` in a string, a quoted name or a comment is none. */
export function splitPlaceholders(sql: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of sql.matchAll(TOKEN)) {
    const name = match[1];
    if (name === undefined) continue;
    if (match.index > from) pieces.push({ text: sql.slice(from, match.index) });
    pieces.push({ name });
    from = match.index + match[0].length;
  }
  if (from < sql.length) pieces.push({ text: sql.slice(from) });
  return pieces;
}

/** The names of the placeholders in order, each as often as it stands there. */
export function placeholderNames(sql: string): string[] {
  return splitPlaceholders(sql).flatMap((piece) => ('name' in piece ? [piece.name] : []));
}

/** SQL without its comments. */
export function withoutComments(sql: string): string {
  return replaceComments(sql, () => ' ');
}

/** SQL with a blank for each character of its comments: what is left stands where it stood. */
export function blankComments(sql: string): string {
  return replaceComments(sql, (comment) => ' '.repeat(comment.length));
}

function replaceComments(sql: string, by: (comment: string) => string): string {
  return sql.replace(TOKEN, (token) => (/^(?:--|#|\/\*)/.test(token) ? by(token) : token));
}

const BLANKS = new RegExp(`${TOKEN.source}|\\s+`, 'g');

/**
 * SQL with one blank for blanks and comments, so that a query set out anew stays the same. Strings, quoted names and
 * comments that servers execute stand as they stood.
 */
export function foldBlanks(sql: string): string {
  return replaceComments(sql, (comment) => (/^\/\*M?!/.test(comment) ? comment : ' '))
    .replace(BLANKS, (token) => (/^\s/.test(token) ? ' ' : token))
    .trim();
}

/** The words of the language alone: comments are gone, strings and quoted names are empty. */
export function bareCode(sql: string): string {
  return withoutComments(sql).replace(TOKEN, (token) => (/^['"`]/.test(token) ? "''" : token));
}

/** Puts SQL text in place of each placeholder. Throws a TypeError when one has no text: that is a bug. */
export function fillPlaceholders(sql: string, texts: Readonly<Record<string, string>>): string {
  return splitPlaceholders(sql)
    .map((piece) => ('text' in piece ? piece.text : textOf(piece.name, texts)))
    .join('');
}

function textOf(name: string, texts: Readonly<Record<string, string>>): string {
  const text = texts[name];
  if (text === undefined) throw new TypeError(`no text for the placeholder :${name}`);
  return text;
}
