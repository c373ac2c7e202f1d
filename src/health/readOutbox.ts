import type { Db } from '../database/connect.ts';
import { COUNT_LIMIT, type ObjectFacts, type OutboxFacts } from './facts.ts';

/*
 * Prometheus asks every few seconds, and ten million rows may be synced: no statement here may grow with them.
 *  - Every count reads one range of one index and nothing else, and stops at a limit.
 *  - Synced rows are never counted whole. Of what was sent lately the index `sent` tells, from its end.
 *  - A row becomes poison with `due_at` set to that moment, so `oldest` tells what was poisoned lately.
 *  - `pending_since` stands in no index. It is looked up for the rows at both ends of the queue by `due_at`: what was
 *    never tried stands at the front, what is tried again stands at the back. With up to 2,000 pending rows
 *    that is all of them; with more, a row in the middle may have waited a little longer than is said.
 */

const LATELY_LIMIT = 10_000;
const END_LIMIT = 1_000;

/** Ends a statement that the server, or the network, does not; its connection is given up. */
const STATEMENT_TIMEOUT_MS = 5_000;

/** Reads what the outbox holds of these objects. `records` is what was counted less than a minute ago. */
export async function readOutbox(
  db: Db,
  objects: readonly string[],
  records: ReadonlyMap<string, number> = new Map(),
): Promise<OutboxFacts> {
  const marks = await readMarks(db);
  const facts: ObjectFacts[] = [];
  for (const object of objects) {
    const noted = marks.find((each) => each.object === object);
    const rows = await readRows(db, object);
    facts.push({
      object,
      ...rows,
      marks: noted?.count ?? 0,
      oldestPendingSeconds: longest(rows.oldestPendingSeconds, noted?.oldestSeconds ?? null),
      records: records.get(object) ?? (await countRecords(db, object)),
    });
  }
  return { objects: facts, marks: marks.reduce((sum, { count }) => sum + count, 0) };
}

const MARKS_SQL = `
  SELECT w.object, SUM(m.mark_count) AS mark_count, TIMESTAMPDIFF(SECOND, MIN(m.oldest), UTC_TIMESTAMP(6)) AS oldest_seconds
  FROM (SELECT watch, COUNT(*) AS mark_count, MIN(noted_at) AS oldest
        FROM (SELECT watch, noted_at FROM hubspot_mark ORDER BY id LIMIT ${COUNT_LIMIT}) first_marks
        GROUP BY watch) m
  LEFT JOIN hubspot_watch w ON w.id = m.watch
  GROUP BY w.object`;

type Noted = { object: string | null; count: number; oldestSeconds: number | null };

async function readMarks(db: Db): Promise<Noted[]> {
  const [rows] = await db.raw(MARKS_SQL).timeout(STATEMENT_TIMEOUT_MS);
  return (rows as { object: string | null; mark_count: string; oldest_seconds: string | null }[]).map((row) => ({
    object: row.object,
    count: Number(row.mark_count),
    oldestSeconds: seconds(row.oldest_seconds),
  }));
}

const LATELY = 'UTC_TIMESTAMP(6) - INTERVAL 1 HOUR';

const SENT_SQL = `
  SELECT COUNT(*) AS sent, MIN(sent_at) AS since
  FROM (SELECT sent_at FROM hubspot_data FORCE INDEX (sent)
        WHERE object = ? AND sent_at > ${LATELY} ORDER BY sent_at DESC LIMIT ${LATELY_LIMIT}) last_sent`;

const count = (condition: string, limit: number) => `(SELECT COUNT(*) FROM
    (SELECT 1 AS one FROM hubspot_data FORCE INDEX (oldest) WHERE object = ?${condition} LIMIT ${limit}) counted)`;

const end = (direction: 'ASC' | 'DESC') => `(SELECT COALESCE(pending_since, due_at) AS since
    FROM hubspot_data FORCE INDEX (oldest) WHERE object = ? AND status = 'pending' ORDER BY due_at ${direction} LIMIT ${END_LIMIT})`;

/** Bound to: the object four times, the moment poison counts from, the object. */
const ROWS_SQL = `
  SELECT ${count(" AND status = 'pending'", COUNT_LIMIT)} AS pending,
    (SELECT TIMESTAMPDIFF(SECOND, MIN(since), UTC_TIMESTAMP(6)) FROM (${end('ASC')} UNION ALL ${end('DESC')}) ends) AS oldest_seconds,
    ${count(` AND status = 'poison' AND due_at >= COALESCE(?, ${LATELY})`, LATELY_LIMIT)} AS poisoned,
    ${count(" AND status = 'poison'", COUNT_LIMIT)} AS poison`;

async function readRows(db: Db, object: string) {
  const [[{ sent, since }]] = await db.raw(SENT_SQL, [object]).timeout(STATEMENT_TIMEOUT_MS);
  // Only as far back as sends were counted: a share of both means something.
  const poisonedSince = Number(sent) === LATELY_LIMIT ? since : null;
  const [[row]] = await db
    .raw(ROWS_SQL, [object, object, object, object, poisonedSince, object])
    .timeout(STATEMENT_TIMEOUT_MS);
  return {
    pending: Number(row.pending),
    oldestPendingSeconds: seconds(row.oldest_seconds),
    poison: Number(row.poison),
    sentLately: Number(sent),
    poisonedLately: Number(row.poisoned),
  };
}

const RECORDS_SQL = `SELECT ${count('', COUNT_LIMIT)} AS records`;

async function countRecords(db: Db, object: string): Promise<number> {
  const [[row]] = await db.raw(RECORDS_SQL, [object]).timeout(STATEMENT_TIMEOUT_MS);
  return Number(row.records);
}

/** Clocks of machines differ: nothing waits for less than no time. */
function seconds(text: string | null): number | null {
  return text === null ? null : Math.max(0, Number(text));
}

function longest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
