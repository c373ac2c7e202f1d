import { createHash } from 'node:crypto';

/** MySQL 5.6 takes 767 bytes of a column into an index. */
const KEY_CHARACTERS = 191;

/**
 * What stands in the index for a value: the value itself, or its hash where it is longer than the index holds. The
 * column's collation does not tell trailing spaces apart, and nor must we.
 */
export function matchKey(value: string): string {
  const key = value.replace(/ +$/, '');
  return key.length <= KEY_CHARACTERS ? key : `sha256:${createHash('sha256').update(key).digest('hex')}`;
}
