import { fillPlaceholders } from '../config/placeholder.ts';
import type { Trx } from '../database/connect.ts';
import { type KeyKind, keyLiteral } from '../keys.ts';
import type { RecordsSql, ResolvableWatch } from './fold.ts';

/** Records found by one query at most; a mark that concerns more is followed in several folds. */
export const PAGE = 5_000;

/** The next ids, at most a page, of the records that noted values concern, in the order of the record's key. */
export async function readRecords(
  trx: Trx,
  { noteKind, keyKind }: Pick<ResolvableWatch, 'noteKind' | 'keyKind'>,
  records: RecordsSql,
  keys: readonly string[],
  after: string | null,
): Promise<string[]> {
  const select = fillPlaceholders(records.select, { keys: keys.map((key) => literal(noteKind, key)).join(', ') });
  const onwards = after === null ? '' : ` AND ${records.key} > ${literal(keyKind, after)}`;
  const [rows] = await trx.raw(`${select}${onwards} ORDER BY ${records.key} LIMIT ${PAGE}`);
  return (rows as { id: string | number | Buffer }[]).map(({ id }) => idText(id));
}

/** A column may have had another type when a value was noted: as a text it is still compared as the server does it. */
function literal(kind: KeyKind, text: string): string {
  const isOfKind = kind === 'text' || (kind === 'integer' ? /^-?\d+$/ : /^(?:[0-9A-F]{2})*$/).test(text);
  return keyLiteral(isOfKind ? kind : 'text', text);
}

function idText(id: string | number | Buffer): string {
  return Buffer.isBuffer(id) ? id.toString('hex').toUpperCase() : String(id);
}
