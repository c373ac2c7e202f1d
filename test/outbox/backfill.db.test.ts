import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Db } from '../../src/database/connect.ts';
import { type BackfillKey, type BackfillProgress, backfill } from '../../src/outbox/backfill.ts';
import { enqueue } from '../../src/outbox/enqueue.ts';
import { settle } from '../../src/outbox/settle.ts';
import { connectAsApplication } from '../support/database.ts';
import { until } from '../support/program.ts';
import { isWaitingForRow } from '../support/sessions.ts';
import { claim, countRows, emptyOutbox, enqueueIds, type Outbox, openOutbox, range, readRow } from './outbox.ts';

const PEOPLE: BackfillKey = { table: 'person', column: 'id', kind: 'integer' };

let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox();
  await outbox.db.raw('CREATE TABLE person (id INT PRIMARY KEY, name VARCHAR(50)) ENGINE=InnoDB');
});
afterAll(() => outbox.close());
beforeEach(async () => {
  await emptyOutbox(outbox.db);
  await outbox.db.raw('TRUNCATE person');
});

async function addPeople(from: number, to: number): Promise<void> {
  for (let first = from; first <= to; first += 10_000) {
    const ids = range(first, Math.min(to, first + 9_999));
    await outbox.db.raw(`INSERT INTO person VALUES ${ids.map((id) => `(${id}, 'x')`).join(', ')}`);
  }
}

function run(
  key = PEOPLE,
  onProgress: (progress: BackfillProgress) => void = () => {},
  signal?: AbortSignal,
  db = outbox.db,
) {
  return backfill(db, 'contacts', key, onProgress, signal);
}

/** Settles everything that is due, as a worker would that finds nothing changed. */
async function settleAll(): Promise<void> {
  for (;;) {
    const claimed = await claim(outbox.db, { limit: 1_000 });
    if (claimed.rows.length === 0) return;
    await settle(
      outbox.db,
      claimed,
      claimed.rows.map(({ sourceId }) => ({ kind: 'unchanged', sourceId })),
    );
  }
}

async function books(db: Db) {
  const [[row]] = await db.raw("SELECT * FROM hubspot_object WHERE object = 'contacts'");
  return row as Record<string, string | null>;
}

describe('backfill', () => {
  it('enqueues 60,000 records, as a mass that yields to what comes singly, and says how far it is', async () => {
    await addPeople(1, 60_000);
    const seen: BackfillProgress[] = [];
    const began = performance.now();
    expect(await run(PEOPLE, (progress) => seen.push(progress))).toBe(60_000);
    console.log(`${outbox.kind}: 60,000 rows enqueued in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
    expect(await countRows(outbox.db, "status = 'pending' AND bulk = 1 AND revision = 1")).toBe(60_000);
    expect(seen.length).toBeGreaterThan(10);
    for (const [index, { enqueued, total }] of seen.entries()) {
      expect(enqueued).toBeGreaterThanOrEqual(seen[index - 1]?.enqueued ?? 1);
      expect(total).toBe(60_000);
    }
    await enqueueIds(outbox.db, ['59999']);
    expect((await claim(outbox.db, { limit: 1 })).rows.map(({ sourceId }) => sourceId)).toEqual(['59999']);
  });

  it('goes on where it was stopped, and not from the beginning', async () => {
    await addPeople(1, 12_000);
    const stop = new AbortController();
    expect(await run(PEOPLE, () => stop.abort(), stop.signal)).toBe(5_000);
    expect(await books(outbox.db)).toMatchObject({ backfill_after: '5000', backfill_ended_at: null });
    expect(await run()).toBe(7_000);
    expect(await countRows(outbox.db, "status = 'pending' AND revision = 1")).toBe(12_000);
    expect((await books(outbox.db)).backfill_after).toBeNull();
    expect((await books(outbox.db)).backfill_ended_at).not.toBeNull();
  });

  it('goes on after the connection is lost in the middle of a chunk, and misses nothing', async () => {
    await addPeople(1, 12_000);
    const other = await outbox.another();
    const cut = (progress: BackfillProgress) => void (progress.enqueued === 5_000 && other.destroy());
    await expect(run(PEOPLE, cut, undefined, other)).rejects.toThrow();
    expect(await countRows(outbox.db)).toBeGreaterThanOrEqual(5_000);
    expect(await run()).toBeLessThanOrEqual(7_000);
    expect(await countRows(outbox.db, "status = 'pending'")).toBe(12_000);
  });

  it('begins again when the query became another while it was stopped', async () => {
    await addPeople(1, 12_000);
    const stop = new AbortController();
    await run(PEOPLE, () => stop.abort(), stop.signal);
    await outbox.db.raw("UPDATE hubspot_object SET query_hash = 'another', backfill_reason = 'a new column'");
    expect(await run()).toBe(12_000);
    expect((await books(outbox.db)).backfill_reason).toBeNull();
  });

  it('keeps the reason for another when the query changes while it runs', async () => {
    await addPeople(1, 12_000);
    const changes = outbox.db.raw.bind(outbox.db);
    let changed: Promise<unknown> | null = null;
    await run(PEOPLE, () => {
      changed ??= Promise.resolve(
        changes("UPDATE hubspot_object SET query_hash = 'new', backfill_reason = 'a new column'"),
      );
    });
    await changed;
    expect((await books(outbox.db)).backfill_reason).toBe('a new column');
  });

  it('is safe to run twice, also at once: each record has one row', async () => {
    await addPeople(1, 12_000);
    const other = await outbox.another();
    await Promise.all([run(), run(PEOPLE, undefined, undefined, other)]);
    await run();
    expect(await countRows(outbox.db)).toBe(12_000);
    expect(await countRows(outbox.db, "status = 'pending' AND claimed_by IS NULL")).toBe(12_000);
  });

  it('does not take a row from the worker that has claimed it, which then looks again', async () => {
    await addPeople(1, 3);
    await run();
    const claimed = await claim(outbox.db);
    await run();
    expect((await claim(outbox.db, { workerId: 'w2' })).rows).toEqual([]);
    await settle(
      outbox.db,
      claimed,
      claimed.rows.map(({ sourceId }) => ({ kind: 'unchanged', sourceId })),
    );
    expect(await countRows(outbox.db, "status = 'pending'")).toBe(3);
  });

  it('looks again at rows whose source is gone, but for those that are known to be', async () => {
    await addPeople(1, 6);
    await run();
    await settleAll();
    await enqueueIds(outbox.db, ['5', '6']);
    const claimed = await claim(outbox.db);
    await settle(outbox.db, claimed, [
      { kind: 'gone', sourceId: '5', isArchived: false },
      { kind: 'poison', sourceId: '6', code: 'X', message: 'bad' },
    ]);
    await outbox.db.raw('DELETE FROM person WHERE id IN (2, 5, 6)');
    expect(await run()).toBe(3);
    expect(await countRows(outbox.db, "status = 'pending'")).toBe(5);
    expect(await readRow(outbox.db, '2')).toMatchObject({ status: 'pending', bulk: 1 });
    expect(await readRow(outbox.db, '5')).toMatchObject({ status: 'gone' });
    expect(await readRow(outbox.db, '6')).toMatchObject({ status: 'pending', error_code: null });
  });

  it('looks again at what is gone and was kept, once such records are to be archived', async () => {
    await addPeople(1, 3);
    await run();
    const claimed = await claim(outbox.db);
    await settle(
      outbox.db,
      claimed,
      ['1', '2', '3'].map((sourceId) => ({ kind: 'gone', sourceId, isArchived: false })),
    );
    await outbox.db.raw('DELETE FROM person');
    await outbox.db.raw("UPDATE hubspot_data SET hubspot_id = '501' WHERE source_id = '2'");
    await run();
    expect(await countRows(outbox.db, "status = 'pending'")).toBe(0);
    await run({ ...PEOPLE, archivesGone: true });
    expect(await countRows(outbox.db, "status = 'pending' AND source_id = '2'")).toBe(1);
    expect(await countRows(outbox.db, "status = 'gone'")).toBe(2);
  });

  it('waits for no lock on a source row', async () => {
    await addPeople(1, 12_000);
    const application = await outbox.another();
    const open = await application.transaction();
    await open.raw("UPDATE person SET name = 'held'");
    expect(await run()).toBe(12_000);
    await open.rollback();
  });

  it('locks no source row, however long a chunk takes', async () => {
    await addPeople(1, 12_000);
    const holder = await (await outbox.another()).transaction();
    await enqueue(holder, 'contacts', [{ sourceId: '3000', isBulk: false, since: null }]);
    const backfilled = run();
    await until(() => isWaitingForRow((sql) => outbox.db.raw(sql)));

    const application = await connectAsApplication({ url: outbox.url });
    await application.query('SET SESSION innodb_lock_wait_timeout = 1');
    await application.query("UPDATE person SET name = 'now'");
    await application.query("INSERT INTO person VALUES (20000, 'new')");
    await application.query('DELETE FROM person WHERE id < 100');
    await application.end();
    await until(() => isWaitingForRow((sql) => outbox.db.raw(sql)));

    await holder.rollback();
    expect(await backfilled).toBe(12_001);
  });

  it('walks keys that are text, whatever stands in them', async () => {
    await outbox.db.raw(
      'CREATE TABLE word (word VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY) ENGINE=InnoDB',
    );
    const words = [
      'a',
      'A',
      'ä',
      "O'Hara",
      'a?b',
      '\\',
      '%',
      'ß',
      '😀',
      '10',
      '9',
      ...range(1, 6_000).map((id) => `w${id}`),
    ];
    await outbox.db.raw(`INSERT INTO word VALUES ${words.map(() => '(?)').join(', ')}`, words);
    expect(await run({ table: 'word', column: 'word', kind: 'text' })).toBe(words.length);
    const [rows] = await outbox.db.raw('SELECT source_id FROM hubspot_data');
    expect(new Set((rows as { source_id: string }[]).map(({ source_id }) => source_id))).toEqual(new Set(words));
  });

  it('walks keys that differ only in case or accents where their column takes them for the same order', async () => {
    await outbox.db.raw(
      'CREATE TABLE code (code VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY) ENGINE=InnoDB',
    );
    const codes = range(1, 7_000).map((id) => `${Number(id) % 2 ? 'K' : 'k'}-${id}`);
    await outbox.db.raw(`INSERT INTO code VALUES ${codes.map(() => '(?)').join(', ')}`, codes);
    expect(await run({ table: 'code', column: 'code', kind: 'text' })).toBe(7_000);
    expect(await countRows(outbox.db)).toBe(7_000);
  });

  it('walks binary keys as hexadecimal digits', async () => {
    await outbox.db.raw('CREATE TABLE thing (id BINARY(4) PRIMARY KEY) ENGINE=InnoDB');
    const keys = range(1, 6_000).map((id) =>
      (Number(id) * 715_827).toString(16).padStart(8, '0').slice(-8).toUpperCase(),
    );
    await outbox.db.raw(`INSERT INTO thing VALUES ${keys.map((key) => `(x'${key}')`).join(', ')}`);
    expect(await run({ table: 'thing', column: 'id', kind: 'binary' })).toBe(6_000);
    const [rows] = await outbox.db.raw('SELECT source_id FROM hubspot_data');
    expect(new Set((rows as { source_id: string }[]).map(({ source_id }) => source_id))).toEqual(new Set(keys));
  });

  it('walks numbers beyond what a number of JavaScript holds', async () => {
    await outbox.db.raw('CREATE TABLE big (id BIGINT UNSIGNED PRIMARY KEY) ENGINE=InnoDB');
    const ids = ['1', '9007199254740993', '9007199254740995', '18446744073709551615'];
    await outbox.db.raw(`INSERT INTO big VALUES ${ids.map((id) => `(${id})`).join(', ')}`);
    expect(await run({ table: 'big', column: 'id', kind: 'integer' })).toBe(4);
    const [rows] = await outbox.db.raw('SELECT source_id FROM hubspot_data');
    expect((rows as { source_id: string }[]).map(({ source_id }) => source_id).sort()).toEqual([...ids].sort());
  });
});
