import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Fold, type ResolvableWatch } from '../../src/outbox/fold.ts';
import { settle } from '../../src/outbox/settle.ts';
import {
  claim,
  countMarks,
  countRows,
  emptyOutbox,
  enqueueIds,
  noteMarks,
  type Outbox,
  openOutbox,
  ROOT_WATCH,
  range,
  readRow,
  watchMap,
} from './outbox.ts';

let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox();
  await outbox.db.raw('CREATE TABLE person (id INT PRIMARY KEY, country_id INT, KEY (country_id))');
});
afterAll(() => outbox.close());
beforeEach(async () => {
  await emptyOutbox(outbox.db);
  await outbox.db.raw('DELETE FROM person');
});

const COUNTRY_WATCH: ResolvableWatch = {
  id: 2,
  object: 'contacts',
  keyKind: 'integer',
  noteKind: 'integer',
  records: {
    select: 'SELECT DISTINCT p.id AS id FROM person p WHERE p.country_id IN (:keys)',
    key: 'p.id',
  },
};
const WATCHES = watchMap(ROOT_WATCH, COUNTRY_WATCH);

async function addPeople(count: number, countryId: number, from = 1): Promise<void> {
  for (let first = from; first < from + count; first += 1_000) {
    const ids = Array.from({ length: Math.min(1_000, from + count - first) }, (_, index) => first + index);
    await outbox.db.raw(`INSERT INTO person VALUES ${ids.map((id) => `(${id}, ${countryId})`).join(', ')}`);
  }
}

async function foldAll(fold: Fold, watches = WATCHES): Promise<number> {
  let portions = 0;
  for (;;) {
    portions += 1;
    if (!(await fold.run(watches)).more) return portions;
  }
}

describe('fold', () => {
  it('makes one pending row of many marks of one record, and deletes them', async () => {
    await noteMarks(outbox.db, [{ key: '7' }, { key: '7' }, { key: '8' }]);
    expect(await new Fold(outbox.db).run(WATCHES)).toEqual({ marks: 3, rows: 2, more: false, broken: [] });
    expect(await readRow(outbox.db, '7')).toMatchObject({
      status: 'pending',
      revision: '1',
      bulk: 0,
      pending_since: '2026-01-01 00:00:00.000000',
    });
    expect(await countMarks(outbox.db)).toBe(0);
  });

  it('takes a row out of poison and forgets why it was there', async () => {
    await enqueueIds(outbox.db, ['7']);
    await settle(outbox.db, await claim(outbox.db), [
      { kind: 'poison', sourceId: '7', code: 'X', message: 'bad', properties: { a: 'b' } },
    ]);
    await noteMarks(outbox.db, [{ key: '7' }]);
    await new Fold(outbox.db).run(WATCHES);
    expect(await readRow(outbox.db, '7')).toMatchObject({
      status: 'pending',
      attempts: 0,
      error_code: null,
      error_message: null,
      error_properties: null,
      failed_at: null,
    });
  });

  it('follows a watch to the records its noted value concerns', async () => {
    await addPeople(3, 49);
    await addPeople(3, 33, 10);
    await noteMarks(outbox.db, [{ watch: 2, key: '49' }]);
    expect(await new Fold(outbox.db).run(WATCHES)).toMatchObject({ marks: 1, rows: 3 });
    expect(await countRows(outbox.db, 'source_id IN (1, 2, 3) AND bulk = 0')).toBe(3);
  });

  it('reaches a mark of a transaction that commits after higher marks were folded', async () => {
    const fold = new Fold(outbox.db);
    const application = await outbox.another();
    const transaction = await application.transaction();
    await noteMarks(transaction, [{ key: 'late' }]);
    await noteMarks(outbox.db, [{ key: 'early' }]);
    expect(await fold.run(WATCHES)).toMatchObject({ marks: 1 });
    expect(await fold.run(WATCHES)).toMatchObject({ marks: 0 });
    await transaction.commit();
    expect(await fold.run(WATCHES)).toMatchObject({ marks: 1, rows: 1 });
    expect(await readRow(outbox.db, 'late')).toMatchObject({ status: 'pending' });
  });

  it('reaches such a mark by a thorough look when it commits after the trail has passed', async () => {
    const fold = new Fold(outbox.db, { trailMs: 0 });
    const application = await outbox.another();
    const transaction = await application.transaction();
    await noteMarks(transaction, [{ key: 'late' }]);
    await noteMarks(outbox.db, [{ key: 'early' }]);
    const start = Date.now();
    await fold.run(WATCHES, start);
    await transaction.commit();
    expect(await fold.run(WATCHES, start + 1)).toMatchObject({ marks: 0 });
    expect(await fold.run(WATCHES, start + 600_000)).toMatchObject({ marks: 1 });
  });

  it('does not wait for marks that the application has not committed', async () => {
    const application = await outbox.another();
    await noteMarks(
      outbox.db,
      range(1, 300).map((key) => ({ key })),
    );
    const transaction = await application.transaction();
    await noteMarks(transaction, [{ key: '1' }]);
    await noteMarks(
      outbox.db,
      range(301, 600).map((key) => ({ key })),
    );
    expect(await new Fold(outbox.db).run(WATCHES)).toMatchObject({ marks: 600 });
    await transaction.rollback();
  });

  it('keeps everything when the transaction fails in the middle', async () => {
    await addPeople(1, 49);
    await noteMarks(outbox.db, [{ key: '1' }, { watch: 3, key: 'x'.repeat(100) }]);
    const tooLong = { ...ROOT_WATCH, id: 3, object: 'x'.repeat(99) };
    await expect(new Fold(outbox.db).run(watchMap(ROOT_WATCH, tooLong))).rejects.toThrow();
    expect(await countMarks(outbox.db)).toBe(2);
    expect(await countRows(outbox.db)).toBe(0);
  });

  it('follows a mark that concerns many records page by page, and goes on where another worker stopped', async () => {
    await addPeople(12_000, 49);
    await noteMarks(outbox.db, [{ watch: 2, key: '49' }]);
    expect(await new Fold(outbox.db).run(WATCHES)).toMatchObject({ marks: 0, rows: 5_000, more: true });
    expect(await countMarks(outbox.db)).toBe(1);
    await noteMarks(outbox.db, [{ key: '11999' }]);
    const next = new Fold(await outbox.another());
    expect(await next.run(WATCHES)).toMatchObject({ rows: 5_001, more: true });
    expect(await readRow(outbox.db, '11999')).toMatchObject({ bulk: 0 });
    expect(await next.run(WATCHES)).toMatchObject({ marks: 1, rows: 2_000, more: false });
    expect(await countRows(outbox.db)).toBe(12_000);
    expect(await countRows(outbox.db, 'bulk = 1')).toBe(11_999);
    expect(await countMarks(outbox.db)).toBe(0);
  });

  it('finds the large lookup among many small ones', async () => {
    await addPeople(6_000, 49);
    for (let country = 100; country < 300; country += 1) await addPeople(1, country, 10_000 + country);
    await noteMarks(
      outbox.db,
      range(100, 299).map((key) => ({ watch: 2, key })),
    );
    await noteMarks(outbox.db, [{ watch: 2, key: '49', session: 2 }]);
    await foldAll(new Fold(outbox.db));
    expect(await countRows(outbox.db, 'source_id > 10000 AND bulk = 0')).toBe(200);
    expect(await countRows(outbox.db, 'source_id + 0 <= 6000 AND bulk = 1')).toBe(6_000);
  });

  it('tells a mass change from a single one that comes right behind it', async () => {
    await noteMarks(
      outbox.db,
      range(1, 3_000).map((key) => ({ key, notedAt: '2026-01-01 00:00:00.000000' })),
    );
    await noteMarks(outbox.db, [{ key: '7', session: 1, notedAt: '2026-01-01 00:00:01.000000' }]);
    await noteMarks(outbox.db, [{ key: '8', session: 2, notedAt: '2026-01-01 00:00:00.000000' }]);
    const fold = new Fold(outbox.db, { chunk: 1_000 });
    expect(await fold.run(WATCHES)).toMatchObject({ more: true });
    expect(await readRow(outbox.db, '7')).toMatchObject({ bulk: 0 });
    expect(await readRow(outbox.db, '8')).toMatchObject({ bulk: 0 });
    await foldAll(fold);
    expect(await countRows(outbox.db, 'bulk = 1')).toBe(2_998);
    expect((await claim(outbox.db, { limit: 2 })).rows.map(({ sourceId }) => sourceId).sort()).toEqual(['7', '8']);
  });

  it('folds marks that two workers see at once, each once', async () => {
    await noteMarks(
      outbox.db,
      range(1, 2_000).map((key) => ({ key })),
    );
    const other = await outbox.another();
    const folds = [new Fold(outbox.db, { chunk: 300 }), new Fold(other, { chunk: 300 })];
    while ((await countMarks(outbox.db)) > 0) await Promise.all(folds.map((fold) => fold.run(WATCHES)));
    expect(await countRows(outbox.db, "status = 'pending' AND revision = 1")).toBe(2_000);
  });

  it('keeps the marks of a broken watch, folds the others, and reports it until it is mended', async () => {
    const broken = { ...COUNTRY_WATCH, records: { select: 'SELECT nope FROM person WHERE 1 IN (:keys)', key: 'id' } };
    await noteMarks(
      outbox.db,
      range(1, 600).map((key) => ({ watch: 2, key })),
    );
    await noteMarks(outbox.db, [{ key: '7' }, { watch: 99, key: '1' }]);
    const fold = new Fold(outbox.db, { chunk: 500 });
    const start = Date.now();
    await fold.run(watchMap(ROOT_WATCH, broken), start);
    const folded = await fold.run(watchMap(ROOT_WATCH, broken), start);
    expect(folded.broken.map(({ watch }) => watch).sort()).toEqual([2, 99]);
    expect(folded.broken.find(({ watch }) => watch === 2)?.message).toMatch(/nope/);
    expect(await readRow(outbox.db, '7')).toMatchObject({ status: 'pending' });
    expect(await countMarks(outbox.db)).toBe(601);

    await addPeople(1, 5);
    const mended = watchMap(ROOT_WATCH, COUNTRY_WATCH, { ...ROOT_WATCH, id: 99 });
    let last = await fold.run(mended, start + 61_000);
    while (last.more) last = await fold.run(mended, start + 61_000);
    expect(last.broken).toEqual([]);
    expect(await countMarks(outbox.db)).toBe(0);
    expect(await countRows(outbox.db)).toBe(2);
  });

  it('takes noted texts and binaries as they are', async () => {
    await outbox.db.raw('CREATE TABLE thing (id BINARY(2) PRIMARY KEY, name VARCHAR(50) CHARACTER SET latin1)');
    await outbox.db.raw(`INSERT INTO thing VALUES (x'00FF', 'O''Hara?'), (x'ABCD', 'back\\\\slash')`);
    const watch: ResolvableWatch = {
      id: 3,
      object: 'contacts',
      keyKind: 'binary',
      noteKind: 'text',
      records: { select: 'SELECT DISTINCT HEX(t.id) AS id FROM thing t WHERE t.name IN (:keys)', key: 't.id' },
    };
    await noteMarks(outbox.db, [
      { watch: 3, key: "O'Hara?" },
      { watch: 3, key: 'back\\slash' },
    ]);
    expect(await new Fold(outbox.db).run(watchMap(watch))).toMatchObject({ marks: 2, rows: 2, broken: [] });
    expect(await readRow(outbox.db, '00FF')).toMatchObject({ status: 'pending' });
    expect(await readRow(outbox.db, 'ABCD')).toMatchObject({ status: 'pending' });
  });
});
