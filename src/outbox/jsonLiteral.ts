/** What the driver writes into a statement as it stands. */
export type Literal = { toSqlString(): string };

/**
 * JSON as a text of SQL. The driver escapes its every quotation mark, which nothing asks for between apostrophes, and
 * makes a dozen strings of a record to do so: a sixth of all the garbage there is. JSON.stringify leaves no control
 * character, so that the backslash and the apostrophe are all that means something there; our sessions set a sql_mode
 * without NO_BACKSLASH_ESCAPES, see `connect`. Source: https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
 * @param json as JSON.stringify wrote it, and nobody else
 */
export function jsonLiteral(json: string): Literal {
  const literal = `'${json.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  return { toSqlString: () => literal };
}
