import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Trx } from '../../src/database/connect.ts';
import { COUNT_LIMIT, type OutboxFacts } from '../../src/health/facts.ts';
import { createOutboxReader } from '../../src/health/outboxReader.ts';
import { readOutbox } from '../../src/health/readOutbox.ts';
import { settle } from '../../src/outbox/settle.ts';
import { claim, emptyOutbox, enqueueIds, noteMarks, type Outbox, openOutbox, range } from '../outbox/outbox.ts';

let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox();
});
afterAll(() => outbox?.close());
beforeEach(() => emptyOutbox(outbox.db));

const ago = (seconds: number) => `UTC_TIMESTAMP(6) - INTERVAL ${seconds} SECOND`;

/** Rows as they would stand after a while, `per.object` of them in one statement. */
async function insertRows(
  ids: string,
  { object = 'contacts', status = 'synced', dueAt = ago(7_200), pendingSince = 'NULL', sentAt = 'NULL' } = {},
): Promise<void> {
  await outbox.db.raw(
    `INSERT INTO hubspot_data (object, source_id, status, due_at, pending_since, sent_at, created_at, updated_at)
     SELECT '${object}', id, '${status}', ${dueAt}, ${pendingSince}, ${sentAt}, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) FROM (${ids}) ids`,
  );
}

const idList = (...ids: string[]) => ids.map((id) => `SELECT '${id}' AS id`).join(' UNION ALL ');

const DIGITS = range(0, 9)
  .map((digit) => `SELECT ${digit} AS d`)
  .join(' UNION ALL ');

/** `SELECT … AS id` of as many numbers, from `first` on. */
function numbers(count: number, first = 1): string {
  const places = ['a', 'b', 'c', 'd', 'e', 'f'];
  const sum = places.map((place, n) => `${place}.d * ${10 ** n}`).join(' + ');
  const joined = places.map((place) => `(${DIGITS}) ${place}`).join(' CROSS JOIN ');
  return `SELECT ${sum} + ${first} AS id FROM ${joined} WHERE ${sum} < ${count}`;
}

async function addWatch(id: number, object: string): Promise<void> {
  await outbox.db.raw(
    `INSERT INTO hubspot_watch (id, object, table_name, fingerprint, definition, created_at)
     VALUES (?, ?, 'users', ?, '{}', UTC_TIMESTAMP(6))`,
    [id, object, String(id)],
  );
}

const of = ({ objects }: OutboxFacts, name: string) => objects.find(({ object }) => object === name);

describe('what is read of the outbox', () => {
  it('is nothing of an outbox that holds nothing', async () => {
    expect(await readOutbox(outbox.db, ['contacts'])).toEqual({
      marks: 0,
      objects: [
        {
          object: 'contacts',
          marks: 0,
          pending: 0,
          oldestPendingSeconds: null,
          poison: 0,
          records: 0,
          sentLately: 0,
          poisonedLately: 0,
        },
      ],
    });
  });

  it('is counted by object and status', async () => {
    await insertRows(idList('1', '2', '3'), { status: 'pending', pendingSince: ago(30) });
    await insertRows(idList('4', '5'), { status: 'poison' });
    await insertRows(idList('6'), { status: 'gone' });
    await insertRows(idList('7', '8', '9'), { sentAt: ago(60) });
    await insertRows(idList('1'), { object: 'orders', status: 'poison' });
    const facts = await readOutbox(outbox.db, ['contacts', 'orders']);
    expect(of(facts, 'contacts')).toMatchObject({
      pending: 3,
      poison: 2,
      records: 9,
      sentLately: 3,
      poisonedLately: 0,
    });
    expect(of(facts, 'orders')).toMatchObject({ pending: 0, oldestPendingSeconds: null, poison: 1, records: 1 });
  });

  it('is only of the objects that are asked for', async () => {
    await insertRows(idList('1'), { object: 'formerly', status: 'pending', pendingSince: ago(90_000) });
    expect(await readOutbox(outbox.db, ['contacts'])).toMatchObject({ objects: [{ object: 'contacts', pending: 0 }] });
  });

  it('counts marks for the object of their watch, and those of an unknown watch too', async () => {
    await addWatch(1, 'contacts');
    await addWatch(2, 'contacts');
    await addWatch(3, 'orders');
    await noteMarks(
      outbox.db,
      [1, 1, 2, 3, 9].map((watch, n) => ({ watch, key: String(n) })),
    );
    const facts = await readOutbox(outbox.db, ['contacts', 'orders']);
    expect(facts.marks).toBe(5);
    expect([of(facts, 'contacts')?.marks, of(facts, 'orders')?.marks]).toEqual([3, 1]);
  });

  it('knows the oldest change among marks and rows', async () => {
    await addWatch(1, 'contacts');
    await insertRows(idList('1'), { status: 'pending', pendingSince: ago(100) });
    expect(of(await readOutbox(outbox.db, ['contacts']), 'contacts')?.oldestPendingSeconds).toBeOneOf(near(100));
    const [[{ then }]] = await outbox.db.raw(`SELECT ${ago(5_000)} AS \`then\``);
    await noteMarks(outbox.db, [{ key: '2', notedAt: then }]);
    expect(of(await readOutbox(outbox.db, ['contacts']), 'contacts')?.oldestPendingSeconds).toBeOneOf(near(5_000));
  });

  it('knows how long a row waits that is tried again and again behind a mass of new ones', async () => {
    await insertRows(numbers(5_000), { status: 'pending', dueAt: ago(10), pendingSince: ago(10) });
    await insertRows(idList('x'), {
      status: 'pending',
      dueAt: 'UTC_TIMESTAMP(6) + INTERVAL 20 SECOND',
      pendingSince: ago(900),
    });
    expect(of(await readOutbox(outbox.db, ['contacts']), 'contacts')).toMatchObject({
      pending: 5_001,
      oldestPendingSeconds: expect.toBeOneOf(near(900)),
    });
  });

  it('waits for no less than no time, when clocks differ', async () => {
    await insertRows(idList('1'), { status: 'pending', pendingSince: ago(-50) });
    expect(of(await readOutbox(outbox.db, ['contacts']), 'contacts')?.oldestPendingSeconds).toBe(0);
  });

  it('knows what was poisoned lately, as rows are settled', async () => {
    await insertRows(idList('old1', 'old2'), { status: 'poison' });
    await enqueueIds(outbox.db, ['1', '2', '3']);
    const claimed = await claim(outbox.db);
    const [one, two, three] = claimed.rows.map(({ sourceId }) => sourceId);
    await settle(outbox.db, claimed, [
      { kind: 'poison', sourceId: one ?? '', code: 'INVALID_EMAIL', message: 'is bad' },
      { kind: 'poison', sourceId: two ?? '', code: 'INVALID_EMAIL', message: 'is bad' },
      { kind: 'synced', sourceId: three ?? '', hubspotId: '9', matchValue: 'c@example.com', properties: {} },
    ]);
    expect(of(await readOutbox(outbox.db, ['contacts']), 'contacts')).toMatchObject({
      poison: 4,
      poisonedLately: 2,
      sentLately: 1,
    });
  });

  it('compares what was poisoned with what was sent in the same while, however much that was', async () => {
    await insertRows(numbers(15_000), { sentAt: `${ago(1_800)} + INTERVAL id * 100 MICROSECOND` });
    await insertRows(idList('a', 'b'), { status: 'poison', dueAt: ago(1_900) });
    await insertRows(idList('c'), { status: 'poison', dueAt: ago(1_700) });
    expect(of(await readOutbox(outbox.db, ['contacts']), 'contacts')).toMatchObject({
      sentLately: 10_000,
      poisonedLately: 1,
    });
  });

  it('grows with no table: counts stop at their limit, and synced rows are never walked', async () => {
    await insertRows(numbers(30_000));
    await insertRows(numbers(20, 200_001), { status: 'pending', pendingSince: ago(5) });
    const known = new Map([['contacts', 1]]);
    await outbox.db.transaction(async (trx) => {
      expect(await rowsRead(trx, () => readOutbox(trx, ['contacts'], known))).toBeLessThan(300);
    });
    await insertRows(numbers(110_000, 300_001), { status: 'pending', pendingSince: ago(5) });
    await outbox.db.transaction(async (trx) => {
      let facts: OutboxFacts | undefined;
      const read = await rowsRead(trx, async () => {
        facts = await readOutbox(trx, ['contacts']);
      });
      expect(facts?.objects).toMatchObject([{ pending: COUNT_LIMIT, records: COUNT_LIMIT }]);
      // Two counts to the limit, each read once more from where the server collects them; and the ends of the queue.
      expect(read).toBeLessThan(4 * COUNT_LIMIT + 10_000);
    });
    await outbox.db.raw('TRUNCATE TABLE hubspot_data');
  });
});

describe('a reader of the outbox', () => {
  it('reads once for all who ask at the same time, and again later', async () => {
    const read = createOutboxReader(outbox.db, ['contacts'], { keepMs: 0 });
    const [one, two] = await Promise.all([read(), read()]);
    expect(two).toBe(one);
    await enqueueIds(outbox.db, ['1']);
    await expect.poll(async () => of(await read(), 'contacts')?.pending, { timeout: 60_000 }).toBe(1);
  });

  it('keeps what it read for a while', async () => {
    const read = createOutboxReader(outbox.db, ['contacts'], { keepMs: 3_600_000 });
    await read();
    await enqueueIds(outbox.db, ['1']);
    expect(of(await read(), 'contacts')?.pending).toBe(0);
  });

  it('tries again after it failed', async () => {
    const db = await outbox.another();
    const read = createOutboxReader(db, ['contacts'], { keepMs: 0 });
    await outbox.db.raw('RENAME TABLE hubspot_mark TO hubspot_mark_away');
    await expect(read()).rejects.toMatchObject({ code: 'ER_NO_SUCH_TABLE' });
    await outbox.db.raw('RENAME TABLE hubspot_mark_away TO hubspot_mark');
    expect((await read()).marks).toBe(0);
  });
});

/** Seconds that may have passed since, on a machine that is slow. */
function near(seconds: number): number[] {
  return range(seconds, seconds + 120).map(Number);
}

/** How many rows the server read, from tables, indexes and what it collected itself. */
async function rowsRead(trx: Trx, work: () => Promise<unknown>): Promise<number> {
  const count = async () => {
    const [rows] = await trx.raw("SHOW SESSION STATUS LIKE 'Handler_read%'");
    return (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0);
  };
  // Asking reads rows as well, as many every time.
  const first = await count();
  const before = await count();
  await work();
  return (await count()) - before - (before - first);
}
