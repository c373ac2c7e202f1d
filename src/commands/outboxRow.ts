import { didYouMean } from '../config/checker.ts';
import type { Db } from '../database/connect.ts';
import { ConfigurationError, OutboxError } from '../errors.ts';
import { readObjects } from '../outbox/objects.ts';
import { type OutboxRow, readRows } from '../outbox/row.ts';
import { formatFields } from './table.ts';

/**
 * The row that `ID` or `OBJECT/ID` names.
 * @throws OutboxError when there is none; ConfigurationError when several objects have one of this id
 */
export async function findRow(db: Db, id: string, object?: string): Promise<OutboxRow> {
  const rows = await candidates(db, id, object);
  const [row, another] = rows;
  if (row === undefined) {
    throw new OutboxError(`the outbox has no row ${JSON.stringify(object === undefined ? id : `${object}/${id}`)}`, {
      code: 'NO_ROW',
      remedy: 'hubspot-outbox poison list --all shows the rows that are poisoned',
    });
  }
  if (another === undefined) return row;
  throw new ConfigurationError(`${id} is a row of ${rows.map((each) => each.object).join(' and of ')}`, {
    code: 'AMBIGUOUS_ID',
    remedy: `name the object too: ${row.object}/${id}`,
  });
}

/** An id may hold slashes itself, so what stands before the first names an object only when there is one. */
async function candidates(db: Db, id: string, object: string | undefined): Promise<OutboxRow[]> {
  const slash = id.indexOf('/');
  const named = slash > 0 && object === undefined ? await readRows(db, id.slice(slash + 1), id.slice(0, slash)) : [];
  return named.length > 0 ? named : readRows(db, id, object);
}

/** @throws ConfigurationError when the outbox has never heard of the object */
export async function requireObject(db: Db, object: string): Promise<void> {
  const [rows] = await db.raw('SELECT object FROM hubspot_object');
  const known = [...new Set([...(await readObjects(db)), ...(rows as { object: string }[]).map((row) => row.object)])];
  if (known.includes(object)) return;
  throw new ConfigurationError(
    `--object: the outbox knows no object ${JSON.stringify(object)}${didYouMean(object, known)}`,
    { code: 'NO_OBJECT', remedy: known.length > 0 ? `it knows ${known.join(', ')}` : 'hubspot-outbox backfill' },
  );
}

/** A row for people: its state, why it is refused, what was sent and what HubSpot holds. */
export function formatRow(row: OutboxRow): string {
  const text = (name: string) => (row[name] === null || row[name] === undefined ? null : String(row[name]));
  return formatFields([
    ['record', `${row.object}/${row.source_id}`],
    ['status', row.status],
    ['hubspot id', text('hubspot_id')],
    ['code', text('error_code')],
    ['property', text('error_property')],
    ['value', text('error_value')],
    ['message', text('error_message')],
    ['correlation id', text('error_correlation_id')],
    ['failed at', utc(text('failed_at'))],
    ['attempts', text('attempts')],
    ['refused', properties(text('error_properties'))],
    ['last accepted', properties(text('sent_properties'))],
    ['accepted at', utc(text('sent_at'))],
    ['match value', text('match_value')],
    ['revision', text('revision')],
    ['pending since', utc(text('pending_since'))],
    ['due at', row.status === 'pending' ? utc(text('due_at')) : null],
    ['claimed by', text('claimed_by')],
  ]);
}

function utc(time: string | null): string | null {
  return time === null ? null : `${time.slice(0, 19)} UTC`;
}

/** One property a line. People may edit the outbox by hand: what is no JSON is shown as it stands. */
function properties(json: string | null): string | null {
  if (json === null) return null;
  try {
    const entries = Object.entries(JSON.parse(json) as Record<string, unknown>);
    return entries.map(([name, value]) => `${name}: ${String(value).replaceAll('\n', '\\n')}`).join('\n');
  } catch {
    return json;
  }
}
