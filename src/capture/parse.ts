import grammar from 'node-sql-parser/build/mysql.js';
import { fillPlaceholders } from '../config/placeholder.ts';

/** A node of the parser's tree; what it holds depends on its `type`. */
export type Node = { type?: string; [name: string]: unknown };

/** Stands for `:ids` in what is parsed: a text nobody writes, with its quotes as long as `:ids`, so that places are right. */
export const IDS_MARK = '\u0001\u0002';

/** Why a query cannot be followed, as a sentence. */
export class NotDerivable extends Error {}

/** A query is asked about more than once, and to parse it is a good part of a start. */
const parsed = new Map<string, Node>();

/**
 * The tree is shared: whoever reads it must not change it.
 * @throws NotDerivable when the grammar does not know the query
 */
export function parseQuery(query: string): Node {
  const tree = parsed.get(query) ?? parse(query);
  parsed.set(query, tree);
  return tree;
}

function parse(query: string): Node {
  const parser = new grammar.Parser();
  try {
    const tree = parser.astify(fillPlaceholders(query, { ids: `'${IDS_MARK}'` }), { database: 'mysql' });
    const [first, ...more] = (Array.isArray(tree) ? tree : [tree]) as unknown as Node[];
    if (first === undefined || more.length > 0 || first.type !== 'select')
      throw new NotDerivable('the query is not one SELECT');
    return first;
  } catch (error) {
    if (error instanceof NotDerivable) throw error;
    throw new NotDerivable(
      `the query cannot be read (${where(error)}); <=>, FORCE INDEX and NATURAL JOIN are not understood`,
    );
  }
}

/** Every table the query names, wherever it stands, and no name that it gives a SELECT of its own. */
export function queryTables(query: string): string[] {
  const names = new Set<string>();
  const select = parseQuery(query);
  collect(select, names);
  const own = listOf(select.with).map(({ name }) => String((name as { value?: unknown } | undefined)?.value));
  return [...names].filter((name) => !own.includes(name));
}

function collect(node: unknown, names: Set<string>): void {
  if (Array.isArray(node)) for (const each of node) collect(each, names);
  else if (isNode(node)) {
    for (const item of fromItems(node.from)) if (typeof item.table === 'string') names.add(item.table);
    for (const [name, value] of Object.entries(node)) if (!SKIPPED.includes(name)) collect(value, names);
  }
}

/** The items of a FROM, those in brackets too. */
function fromItems(from: unknown): Node[] {
  return listOf(from).flatMap((item) => (Array.isArray(item.expr) ? fromItems(item.expr) : [item]));
}

export const SKIPPED = ['loc', 'tableList', 'columnList'];

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function listOf(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function where(error: unknown): string {
  const { location, found } = error as {
    location?: { start: { line: number; column: number } };
    found?: string | null;
  };
  if (location === undefined) return 'syntax';
  return `line ${location.start.line}, column ${location.start.column}${typeof found === 'string' ? `, at ${JSON.stringify(found)}` : ''}`;
}
