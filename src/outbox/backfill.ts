import type { Db } from '../database/connect.ts';
import { insist, transact } from '../database/transact.ts';
import { type KeyKind, keyAsText, keyLiteral, quoteName } from '../keys.ts';
import { enqueue, enqueueSelected } from './enqueue.ts';
import { rememberObjects } from './objects.ts';

export type BackfillKey = {
  table: string;
  column: string;
  kind: KeyKind;
  /** What is gone is archived in HubSpot: so is what was gone, and kept, before the mapping said so. */
  archivesGone?: boolean;
};
/** In records; `total` is an estimate where the table is large. */
export type BackfillProgress = { enqueued: number; total: number };

const CHUNK = 5_000;

/**
 * Enqueues every record of an object: walks the key table by its key, a chunk in a short transaction of its own, then
 * the rows that are known and were not met, whose source may be gone. Source rows are only read, never locked. Where it
 * stopped is kept, so that the next call goes on from there, unless the query is another by then; running it twice only
 * sends what differs. Returns how many records were enqueued.
 */
export async function backfill(
  db: Db,
  object: string,
  key: BackfillKey,
  onProgress: (progress: BackfillProgress) => void,
  signal?: AbortSignal,
): Promise<number> {
  const run = await begin(db, object);
  const total = await estimate(db, key);
  let { after } = run;
  let enqueued = 0;
  for (;;) {
    if (signal?.aborted) return enqueued;
    const { count, last } = await readChunk(db, key, after);
    if (last === null) break;
    await enqueueChunk(db, object, key, after, last);
    after = last;
    enqueued += count;
    onProgress({ enqueued, total: Math.max(total, enqueued) });
    if (count < CHUNK) break;
  }
  await enqueueUnmet(db, object, run.startedAt, key.archivesGone === true, signal);
  if (!signal?.aborted) await end(db, object, run);
  onProgress({ enqueued, total: enqueued });
  return enqueued;
}

type Run = { after: string | null; startedAt: string };

/** Goes on with an earlier walk when it was for the same query. */
async function begin(db: Db, object: string): Promise<Run> {
  await rememberObjects(db, [object]);
  await insist(() =>
    db.raw(
      `UPDATE hubspot_object
       SET backfill_started_at = UTC_TIMESTAMP(6), backfill_ended_at = NULL, backfill_after = NULL, backfill_query_hash = query_hash
       WHERE object = ? AND (backfill_after IS NULL OR NOT (backfill_query_hash <=> query_hash))`,
      [object],
    ),
  );
  const [[row]] = await db.raw(
    'SELECT backfill_after AS after, backfill_started_at AS startedAt FROM hubspot_object WHERE object = ?',
    [object],
  );
  return row;
}

/** The keys of a chunk go from table to table in the server; READ COMMITTED reads them without a lock. */
async function enqueueChunk(
  db: Db,
  object: string,
  { table, column, kind }: BackfillKey,
  after: string | null,
  last: string,
): Promise<void> {
  const name = quoteName(column);
  // `+ 0`: a ZEROFILL column would give its zeros, which triggers do not note.
  const id = kind === 'integer' ? `CAST(${name} + 0 AS CHAR)` : keyAsText(kind, name);
  const chunk = `${name} ${onwards(kind, after)} AND ${name} <= ${keyLiteral(kind, last)}`;
  const select = `SELECT ${id} AS id FROM ${quoteName(table)} WHERE ${chunk}`;
  await transact(db, async (trx) => {
    await enqueueSelected(trx, object, select);
    await trx.raw('UPDATE hubspot_object SET backfill_after = ? WHERE object = ?', [last, object]);
  });
}

function inBulk(sourceId: string) {
  return { sourceId, isBulk: true, since: null };
}

const COUNTED_ROWS = 500_000;

/** Exact for a table of ordinary size; counting a hundred million rows would take longer than it is worth. */
async function estimate(db: Db, { table, column }: BackfillKey): Promise<number> {
  const [name, from] = [quoteName(column), quoteName(table)];
  const [[plan]] = await db.raw(`EXPLAIN FORMAT=TRADITIONAL SELECT ${name} FROM ${from}`);
  const estimated = Number(plan?.rows ?? 0);
  if (estimated > COUNTED_ROWS) return estimated;
  const [[row]] = await db.raw(`SELECT COUNT(${name}) AS row_count FROM ${from}`);
  return Number(row.row_count);
}

/** How many keys the next chunk has, and its last. */
async function readChunk(
  db: Db,
  { table, column, kind }: BackfillKey,
  after: string | null,
): Promise<{ count: number; last: string | null }> {
  const name = quoteName(column);
  // Names and keys may hold a `?`, which among bindings would be taken for one: there are none.
  const [[row]] = await db.raw(
    `SELECT COUNT(*) AS key_count, ${keyAsText(kind, 'MAX(k)')} AS last_key
     FROM (SELECT ${name} AS k FROM ${quoteName(table)} WHERE ${name} ${onwards(kind, after)} ORDER BY ${name} LIMIT ${CHUNK}) s`,
  );
  return { count: Number(row.key_count), last: row.last_key === null ? null : String(row.last_key) };
}

function onwards(kind: KeyKind, after: string | null): string {
  return after === null ? 'IS NOT NULL' : `> ${keyLiteral(kind, after)}`;
}

/**
 * Rows that nobody has looked at since the walk began: it did not meet them, so their source is gone, and perhaps that
 * went unnoticed. What is pending will be looked at anyway, and what is known to be gone stays so, unless HubSpot still
 * holds a record that is to be archived.
 */
async function enqueueUnmet(
  db: Db,
  object: string,
  startedAt: string,
  archivesGone: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const held = archivesGone ? "OR (status = 'gone' AND hubspot_id IS NOT NULL)" : '';
  const isUnmet = `(status IN ('synced', 'poison') ${held}) AND updated_at < ?`;
  // No bound at first: blanks at the end do not count, so a key of control characters stands before the empty one.
  let [bound, values]: [string, string[]] = ['object = ?', [object]];
  while (!signal?.aborted) {
    const [[chunk]] = await db.raw(
      `SELECT COUNT(*) AS row_count, SUM(is_unmet) AS unmet, MAX(source_id) AS last
       FROM (SELECT source_id, ${isUnmet} AS is_unmet FROM hubspot_data FORCE INDEX (PRIMARY)
             WHERE ${bound} ORDER BY source_id LIMIT ?) s`,
      [startedAt, ...values, CHUNK],
    );
    if (Number(chunk.unmet) > 0) {
      const [rows] = await db.raw(
        `SELECT source_id FROM hubspot_data FORCE INDEX (PRIMARY) WHERE ${bound} AND source_id <= ? AND ${isUnmet}`,
        [...values, chunk.last, startedAt],
      );
      const unmet = (rows as { source_id: string }[]).map(({ source_id }) => inBulk(source_id));
      await transact(db, (trx) => enqueue(trx, object, unmet));
    }
    if (Number(chunk.row_count) < CHUNK) return;
    [bound, values] = ['object = ? AND source_id > ?', [object, chunk.last]];
  }
}

/** A query that changed meanwhile asks for another backfill: its reason stays. */
async function end(db: Db, object: string, { startedAt }: Run): Promise<void> {
  await db.raw(
    `UPDATE hubspot_object SET backfill_after = NULL, backfill_ended_at = UTC_TIMESTAMP(6),
       backfill_reason = IF(backfill_query_hash <=> query_hash, NULL, backfill_reason)
     WHERE object = ? AND backfill_started_at = ?`,
    [object, startedAt],
  );
}
