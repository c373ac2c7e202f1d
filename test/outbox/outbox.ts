import { connect, type Db } from '../../src/database/connect.ts';
import { migrateLatest } from '../../src/database/migrate.ts';
import { type ClaimOrder, claim as claimRows } from '../../src/outbox/claim.ts';
import { DueFloor } from '../../src/outbox/dueFloor.ts';
import { enqueue } from '../../src/outbox/enqueue.ts';
import type { ResolvableWatch } from '../../src/outbox/fold.ts';
import { testDatabase } from '../support/database.ts';

/** A database with the outbox's tables, and what tests do to them. */
export type Outbox = Awaited<ReturnType<typeof openOutbox>>;

export async function openOutbox() {
  const database = await testDatabase();
  const db = await connect(database.url);
  const others: Db[] = [];
  await migrateLatest(db);
  return {
    db,
    url: database.url,
    kind: database.kind,
    /** Another program's connections, or another worker's. */
    async another(): Promise<Db> {
      const other = await connect(database.url);
      others.push(other);
      return other;
    },
    async close(): Promise<void> {
      for (const other of others) await other.destroy();
      await db.destroy();
      await database.drop();
    },
  };
}

const TABLES = ['data', 'doubt', 'duplicate', 'mark', 'match', 'object', 'watch', 'worker'].map(
  (name) => `hubspot_${name}`,
);

export async function emptyOutbox(db: Db): Promise<void> {
  for (const table of TABLES) await db.raw(`DELETE FROM ${table}`);
}

export async function enqueueIds(db: Db, ids: readonly string[], { isBulk = false, object = 'contacts' } = {}) {
  await enqueue(
    db,
    object,
    ids.map((sourceId) => ({ sourceId, isBulk, since: null })),
  );
}

type ClaimOptions = { workerId?: string; limit?: number; leaseMs?: number; order?: ClaimOrder; floor?: DueFloor };

export async function claim(db: Db, options: ClaimOptions = {}) {
  return claimRows(db, 'contacts', {
    workerId: 'w1',
    limit: 100,
    leaseMs: 60_000,
    lateWriteMs: 120_000,
    order: 'fresh',
    floor: new DueFloor(),
    ...options,
  });
}

export type Row = Record<string, string | number | null>;

export async function readRow(db: Db, sourceId: string): Promise<Row> {
  const [[row]] = await db.raw("SELECT * FROM hubspot_data WHERE object = 'contacts' AND source_id = ?", [sourceId]);
  return row;
}

export async function countRows(db: Db, where = '1 = 1'): Promise<number> {
  const [[row]] = await db.raw(`SELECT COUNT(*) AS row_count FROM hubspot_data WHERE ${where}`);
  return Number(row.row_count);
}

export type NewMark = { watch?: number; key: string; session?: number; notedAt?: string };

/** What triggers append. `notedAt` is UTC; left out, each mark of its session is a statement of its own, long ago. */
export async function noteMarks(db: Db, marks: readonly NewMark[]): Promise<void> {
  for (let from = 0; from < marks.length; from += 1_000) {
    const part = marks.slice(from, from + 1_000);
    await db.raw(
      `INSERT INTO hubspot_mark (watch, source_key, session, noted_at) VALUES ${part.map(() => '(?, ?, ?, ?)').join(', ')}`,
      part.flatMap(({ watch = 1, key, session = 1, notedAt = '2026-01-01 00:00:00.000000' }) => [
        watch,
        key,
        session,
        notedAt,
      ]),
    );
  }
}

export async function countMarks(db: Db): Promise<number> {
  const [[row]] = await db.raw('SELECT COUNT(*) AS mark_count FROM hubspot_mark');
  return Number(row.mark_count);
}

/** A watch of the root table: what it notes is the record's id. */
export const ROOT_WATCH: ResolvableWatch = {
  id: 1,
  object: 'contacts',
  keyKind: 'integer',
  noteKind: 'integer',
  records: null,
};

export function watchMap(...watches: ResolvableWatch[]): Map<number, ResolvableWatch> {
  return new Map(watches.map((watch) => [watch.id, watch]));
}

export function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}
