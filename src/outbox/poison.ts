import type { Db } from '../database/connect.ts';
import { insist } from '../database/transact.ts';
import { DUE_AGAIN } from './enqueue.ts';
import { freeMatchValues } from './match.ts';
import { readObjects } from './objects.ts';

/** Which poisoned rows: all, or those that meet each condition given. */
export type PoisonFilter = { object?: string | undefined; sourceId?: string | undefined; code?: string | undefined };

export type PoisonGroup = {
  object: string;
  code: string;
  property: string | null;
  rows: number;
  /** One of the source ids. */
  sample: string;
  since: string;
};

export type PoisonRow = {
  object: string;
  source_id: string;
  error_code: string | null;
  error_property: string | null;
  error_value: string | null;
  error_message: string | null;
  error_correlation_id: string | null;
  failed_at: string | null;
  attempts: number;
  hubspot_id: string | null;
};

const ROWS_A_PAGE = 1_000;

/** Poisoned rows by code and property, most first. */
export async function groupPoison(db: Db, filter: PoisonFilter): Promise<PoisonGroup[]> {
  const { where, bindings } = await whereOf(db, filter);
  const [rows] = await db.raw(
    `SELECT object, error_code AS code, error_property AS property, COUNT(*) AS row_count, MIN(source_id) AS sample, MIN(failed_at) AS since
     FROM hubspot_data WHERE ${where} GROUP BY object, error_code, error_property ORDER BY COUNT(*) DESC, object, error_code`,
    bindings,
  );
  return (rows as (Omit<PoisonGroup, 'rows'> & { row_count: number })[]).map(({ row_count, ...group }) => ({
    ...group,
    rows: Number(row_count),
  }));
}

/** Poisoned rows one by one, by object and id, a page at a time: there may be more than memory holds. */
export async function* pagePoison(db: Db, filter: PoisonFilter): AsyncGenerator<PoisonRow[]> {
  for (const object of filter.object === undefined ? await readObjects(db) : [filter.object]) {
    const { where, bindings } = await whereOf(db, { ...filter, object });
    // No bound at first: blanks at the end do not count, so a key of control characters stands before the empty one.
    for (let after: string | null = null; ; ) {
      const [rows] = await db.raw(
        `SELECT object, source_id, error_code, error_property, error_value, error_message, error_correlation_id, failed_at, attempts, hubspot_id
         FROM hubspot_data WHERE ${where} ${after === null ? '' : 'AND source_id > ?'} ORDER BY source_id LIMIT ${ROWS_A_PAGE}`,
        after === null ? bindings : [...bindings, after],
      );
      const page = rows as PoisonRow[];
      if (page.length > 0) yield page;
      if (page.length < ROWS_A_PAGE) break;
      after = page.at(-1)?.source_id ?? after;
    }
  }
}

export async function countPoison(db: Db, filter: PoisonFilter): Promise<number> {
  const { where, bindings } = await whereOf(db, filter);
  const [[row]] = await db.raw(`SELECT COUNT(*) AS row_count FROM hubspot_data WHERE ${where}`, bindings);
  return Number(row.row_count);
}

/** Makes poisoned rows due again; returns how many. What was wrong stays readable until they are sent. */
export async function retryPoison(db: Db, filter: PoisonFilter): Promise<number> {
  return eachPage(db, filter, (object, rows) => change(db, object, rows, DUE_AGAIN));
}

/**
 * Forgets that poisoned rows are refused: they count as settled until they change at their source. A match value that
 * HubSpot never took from them is free for others. Returns how many.
 */
export async function discardPoison(db: Db, filter: PoisonFilter): Promise<number> {
  return eachPage(db, filter, async (object, rows) => {
    const discarded = await change(
      db,
      object,
      rows,
      `status = IF(hubspot_id IS NULL, 'gone', 'synced'), revision = revision + 1, error_code = NULL, error_property = NULL,
       error_value = NULL, error_message = NULL, error_correlation_id = NULL, error_properties = NULL, failed_at = NULL,
       updated_at = UTC_TIMESTAMP(6)`,
    );
    const kept = rows.map(({ source_id, match_value }) => ({ sourceId: source_id, matchValue: match_value }));
    await freeMatchValues(db, object, kept);
    return discarded;
  });
}

type Found = { source_id: string; match_value: string | null };

/** Page by page, so that no worker waits long for a row; rows that are poisoned again meanwhile are not met twice. */
async function eachPage(
  db: Db,
  filter: PoisonFilter,
  work: (object: string, rows: Found[]) => Promise<number>,
): Promise<number> {
  const [[{ started }]] = await db.raw('SELECT UTC_TIMESTAMP(6) AS started');
  let changed = 0;
  for (const object of filter.object === undefined ? await readObjects(db) : [filter.object]) {
    const { where, bindings } = await whereOf(db, { ...filter, object });
    for (;;) {
      const [rows] = await db.raw(
        `SELECT source_id, match_value FROM hubspot_data
         WHERE ${where} AND (failed_at IS NULL OR failed_at <= ?) LIMIT ${ROWS_A_PAGE}`,
        [...bindings, started],
      );
      const found = rows as Found[];
      if (found.length === 0) break;
      changed += await work(object, found);
    }
  }
  return changed;
}

async function change(db: Db, object: string, rows: readonly Found[], set: string): Promise<number> {
  const ids = rows.map(({ source_id }) => source_id).sort();
  const [{ affectedRows }] = await insist(() =>
    db.raw(
      `UPDATE hubspot_data FORCE INDEX (PRIMARY) SET ${set}
       WHERE object = ? AND source_id IN (${ids.map(() => '?').join(', ')}) AND status = 'poison'`,
      [object, ...ids],
    ),
  );
  return Number(affectedRows);
}

/** The objects are always named: only with them does an index lead to the poisoned rows. */
async function whereOf(
  db: Db,
  { object, sourceId, code }: PoisonFilter,
): Promise<{ where: string; bindings: string[] }> {
  const objects = object === undefined ? await readObjects(db) : [object];
  if (objects.length === 0) return { where: '1 = 0', bindings: [] };
  const conditions = [`object IN (${objects.map(() => '?').join(', ')})`, "status = 'poison'"];
  const bindings = [...objects];
  if (sourceId !== undefined) {
    conditions.push('source_id = ?');
    bindings.push(sourceId);
  }
  if (code !== undefined) {
    conditions.push('error_code = ?');
    bindings.push(code);
  }
  return { where: conditions.join(' AND '), bindings };
}
