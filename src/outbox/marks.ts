import type { Db, Trx } from '../database/connect.ts';

/** A row of `hubspot_mark`: something noted by a trigger. */
export type Mark = {
  id: string;
  watch: number;
  sourceKey: string;
  /** The connection that noted it. */
  session: string;
  /** When the statement that noted it began; UTC, `YYYY-MM-DD HH:MM:SS.ffffff`. */
  notedAt: string;
  /** How far it has been followed, when it concerns many records; the record id reached last. */
  expandedTo: string | null;
};

const SELECT = `SELECT id, watch, source_key AS sourceKey, session, noted_at AS notedAt, expanded_to AS expandedTo
  FROM hubspot_mark`;

/** Whether there is a mark with a higher id than `after`, but for those of watches to be skipped. */
export async function isAnyNoted(db: Db, after: string, skipped: readonly number[]): Promise<boolean> {
  // For the id alone MySQL reads the index from its beginning: it takes the table for empty, whatever a dump keeps in it.
  const [marks] = await db.raw(`SELECT watch FROM hubspot_mark WHERE id > ? ${without(skipped)} ORDER BY id LIMIT 1`, [
    after,
  ]);
  return marks.length > 0;
}

/** The oldest marks with a higher id than `after`, but for those of watches to be skipped. */
export async function readOldest(db: Trx, after: string, limit: number, skipped: readonly number[]): Promise<Mark[]> {
  const [marks] = await db.raw(`${SELECT} WHERE id > ? ${without(skipped)} ORDER BY id LIMIT ?`, [after, limit]);
  return marks;
}

/** The newest marks, by id. */
export async function readNewest(db: Trx, after: string, limit: number, skipped: readonly number[]): Promise<Mark[]> {
  const [marks] = await db.raw(`${SELECT} WHERE id > ? ${without(skipped)} ORDER BY id DESC LIMIT ?`, [after, limit]);
  return (marks as Mark[]).reverse();
}

/**
 * Marks are only ever locked one by one, through the primary key: a scan would wait for marks that the application has
 * not committed, and the whole fold with it. `id IN (…)` promises nothing, since servers scan a table of which they
 * want a good part, whatever index is forced; a join from a list of ids cannot be a scan.
 */
export async function deleteMarks(trx: Trx, ids: readonly string[]): Promise<void> {
  for (const part of parts(ids)) await trx.raw(`DELETE m FROM ${joined(part)}`);
}

/** Remembers how far marks have been followed. */
export async function keepProgress(trx: Trx, ids: readonly string[], expandedTo: string): Promise<void> {
  for (const part of parts(ids)) await trx.raw(`UPDATE ${joined(part)} SET m.expanded_to = ?`, [expandedTo]);
}

function joined(ids: readonly string[]): string {
  return `(SELECT ${ids.join(' AS id UNION ALL SELECT ')}${ids.length === 1 ? ' AS id' : ''}) s
    STRAIGHT_JOIN hubspot_mark m FORCE INDEX (PRIMARY) ON m.id = s.id`;
}

function without(watches: readonly number[]): string {
  return watches.length === 0 ? '' : `AND watch NOT IN (${watches.join(', ')})`;
}

const IDS_A_STATEMENT = 500;

function parts(ids: readonly string[]): string[][] {
  const result: string[][] = [];
  for (let from = 0; from < ids.length; from += IDS_A_STATEMENT) result.push(ids.slice(from, from + IDS_A_STATEMENT));
  return result;
}
