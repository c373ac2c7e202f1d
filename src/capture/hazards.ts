import type { Catalog } from './catalog.ts';
import { isNode, listOf, type Node, NotDerivable } from './parse.ts';

const CLOCK = [
  'now',
  'curdate',
  'curtime',
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
  'sysdate',
  'utc_date',
  'utc_time',
  'utc_timestamp',
];

const SESSION = [
  'rand',
  'uuid',
  'uuid_short',
  'random_bytes',
  'connection_id',
  'user',
  'current_user',
  'session_user',
  'system_user',
  'current_role',
  'last_insert_id',
  'row_count',
  'found_rows',
  'sleep',
  'get_lock',
  'release_lock',
  'is_free_lock',
  'is_used_lock',
  'load_file',
  'benchmark',
  'nextval',
  'lastval',
];

/** What no trigger can notice: the clock is worth a warning, all else a refusal. @throws NotDerivable */
export function refuseHazard(node: Node, catalog: Catalog, warnings: Set<string>): void {
  if (node.type === 'var') throw new NotDerivable('a user or system variable is no part of the data');
  if (node.over || node.type === 'window_func') throw new NotDerivable('window functions cannot be followed');
  const name = functionName(node);
  if (name === null) return;
  const hasArguments = listOf((node.args as Node | undefined)?.value).length > 0;
  if (SESSION.includes(name))
    throw new NotDerivable(`${name.toUpperCase()}() gives something else each time, so no change can be noticed`);
  if (catalog.functions.has(name)) throw new NotDerivable(`the stored function ${name} may read anything`);
  if (CLOCK.includes(name) || (name === 'unix_timestamp' && !hasArguments)) {
    warnings.add(
      `${name.toUpperCase()}(): what changes by the clock alone is not noticed; run a backfill from time to time`,
    );
  }
}

/** The name of a function the grammar has no node of its own for, in lower case. */
export function functionName(node: Node): string | null {
  if (node.type !== 'function') return null;
  if (typeof node.name === 'string') return node.name.toLowerCase();
  const parts = isNode(node.name) ? listOf(node.name.name) : [];
  const last = parts.at(-1)?.value;
  return typeof last === 'string' ? last.toLowerCase() : null;
}
