import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectAsApplication } from '../support/database.ts';
import { until } from '../support/program.ts';
import { isWaitingForTable } from '../support/sessions.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';

const NOTE = "INSERT INTO hubspot_mark (watch, source_key, session, noted_at) VALUES (1, '30', 1, UTC_TIMESTAMP(6))";

/** Many starts of the program, on a machine that may be busy. */
const TIMEOUT_MS = 600_000;

let shop: SyncedShop;
let application: Connection;
let other: Connection;
let tables: string[];
let round = 0;

beforeAll(async () => {
  shop = await openSyncedShop({ users: 200 });
  await shop.must('backfill');
  await shop.must('once');
  const found = await shop.select<{ name: string }>(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'
       AND TABLE_NAME LIKE 'hubspot%' AND TABLE_NAME NOT LIKE 'hubspot_migration%'`,
  );
  tables = found.map(({ name }) => name);
}, 600_000);
afterAll(() => shop?.close());

beforeEach(async () => {
  [application, other] = await Promise.all([connectAsApplication(shop.database), connectAsApplication(shop.database)]);
  await application.query("SET SESSION sql_mode = '', innodb_lock_wait_timeout = 1, lock_wait_timeout = 1");
  round += 1;
});
afterEach(() => Promise.all([application.end(), other.end()]));

/** Every kind of statement, alone and in a transaction; each must change what it says. */
async function write(): Promise<void> {
  const must = async (sql: string, rows: number) => {
    const [result] = await application.query(sql);
    expect((result as { affectedRows: number }).affectedRows, sql).toBe(rows);
  };
  await must(`UPDATE users SET last_name = 'Away ${round}' WHERE id BETWEEN 30 AND 60`, 31);
  await must(
    `INSERT INTO users (email, user_status) VALUES ('a${round}@example.com', 'A'), ('b${round}@example.com', 'A')`,
    2,
  );
  await must(`REPLACE INTO user_cim_details (user_id, city) VALUES (${1_000 + round}, 'x')`, 1);
  await application.beginTransaction();
  await must(`INSERT INTO orders (order_number, user_id, state) VALUES ('AWAY-${round}', ${30 + round}, 'paid')`, 1);
  await must(
    `INSERT INTO orders (order_number, user_id) VALUES ('AWAY-${round}', 30) ON DUPLICATE KEY UPDATE total = 5`,
    2,
  );
  await must(`DELETE FROM user_cim_details WHERE user_id = ${1_000 + round}`, 1);
  await must(`DELETE FROM users WHERE email = 'b${round}@example.com'`, 1);
  await must(`UPDATE countries SET name = 'Country ${round}' WHERE id = 3`, 1);
  await application.commit();
  const [[row]] = (await application.query(
    `SELECT (SELECT COUNT(*) FROM users WHERE last_name = 'Away ${round}') + (SELECT COUNT(*) FROM orders WHERE order_number = 'AWAY-${round}') AS written`,
  )) as unknown as [[{ written: number }]];
  expect(row.written).toBe(32);
}

async function expectErrno(work: Promise<unknown>, errno: number): Promise<void> {
  expect(
    await work.then(
      () => 0,
      (error: { errno?: number }) => error.errno,
    ),
  ).toBe(errno);
}

/** Nothing told of these changes: a backfill compares every record, and finds them. */
async function expectFoundByBackfill(): Promise<void> {
  await expect(expectSynced(shop)).rejects.toThrow();
  await shop.must('backfill');
  await shop.must('once');
  await expectSynced(shop);
}

describe('the outbox tables, missing', { timeout: TIMEOUT_MS }, () => {
  it('fail no statement; a worker says so, and a backfill finds what was not noted', async () => {
    const rename = (from: string, to: string) =>
      other.query(`RENAME TABLE ${tables.map((table) => `${from}${table} TO ${to}${table}`).join(', ')}`);
    await rename('', 'away_');
    await write();
    const { code, err } = await shop.run('once');
    expect(code).not.toBe(0);
    expect(err).toMatch(/hubspot_/);
    await rename('away_', '');
    await expectFoundByBackfill();
  });

  it('fail no statement when only the table of marks is', async () => {
    await other.query('RENAME TABLE hubspot_mark TO away_mark');
    await write();
    const { code, err } = await shop.run('once');
    expect(code).not.toBe(0);
    expect(err).toMatch(/hubspot_mark/);
    await other.query('RENAME TABLE away_mark TO hubspot_mark');
    await expectFoundByBackfill();
  });

  it('fail no statement when the table of marks is another than it was', async () => {
    await other.query('ALTER TABLE hubspot_mark CHANGE session conn BIGINT UNSIGNED NOT NULL');
    await write();
    await other.query('ALTER TABLE hubspot_mark CHANGE conn session BIGINT UNSIGNED NOT NULL');
    await expectFoundByBackfill();
  });
});

describe('the table of marks, full', { timeout: TIMEOUT_MS }, () => {
  const ways = [
    {
      name: 'of bytes',
      errno: 1114,
      // The one engine that can be filled without filling the disk; the error is the one of a full disk.
      fill: async () => {
        await other.query('SET SESSION max_heap_table_size = 16384');
        await other.query('ALTER TABLE hubspot_mark ENGINE = MEMORY');
        await expectErrno(noteForEver(), 1114);
      },
      empty: 'DELETE FROM hubspot_mark; ALTER TABLE hubspot_mark ENGINE = InnoDB',
    },
    {
      name: 'of numbers',
      errno: 1467,
      fill: async () => {
        await other.query('ALTER TABLE hubspot_mark AUTO_INCREMENT = 18446744073709551615');
        await expectErrno(noteForEver(), 1467);
      },
      empty: 'DELETE FROM hubspot_mark; ALTER TABLE hubspot_mark AUTO_INCREMENT = 1',
    },
  ];

  async function noteForEver(): Promise<never> {
    for (;;) await other.query(NOTE);
  }

  it.each(ways)('$name fails no statement where handlers are asked', async ({ fill, empty, errno }) => {
    await fill();
    // MySQL since 5.7 calls what the storage engine refuses a fatal error, for which it asks no handler: as with a
    // full table of its own the application's statement is undone, and its transaction goes on.
    const isFatal = shop.database.kind.startsWith('mysql-') && shop.database.kind !== 'mysql-5.6';
    if (isFatal) {
      await expectErrno(application.query(`UPDATE users SET last_name = 'Full' WHERE id = 30`), errno);
      expect(await shop.select("SELECT id FROM users WHERE last_name = 'Full'")).toEqual([]);
      await other.query(empty);
      await write();
      await shop.must('once');
      await expectSynced(shop);
    } else {
      await write();
      await other.query(empty);
      await expectFoundByBackfill();
    }
  });
});

describe('the outbox tables, locked', { timeout: TIMEOUT_MS }, () => {
  it('delay no statement, and lose nothing, while others hold all of them and the rows of every mark', async () => {
    await application.query("UPDATE users SET first_name = CONCAT(first_name, 'x') WHERE id < 100");
    const folding = await connectAsApplication(shop.database);
    await folding.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await folding.beginTransaction();
    const [deleted] = await folding.query('DELETE FROM hubspot_mark');
    expect((deleted as { affectedRows: number }).affectedRows).toBeGreaterThanOrEqual(99);
    const others = tables.filter((table) => table !== 'hubspot_mark');
    await other.query(`LOCK TABLES ${others.map((table) => `${table} WRITE`).join(', ')}`);
    await write();
    await folding.rollback();
    await folding.end();
    await other.query('UNLOCK TABLES');
    await shop.must('once');
    await expectSynced(shop);
  });

  it('let a statement wait, not fail, while somebody locks the table of marks by hand', async () => {
    await application.query('SET SESSION lock_wait_timeout = 3600');
    await other.query('LOCK TABLES hubspot_mark WRITE');
    const written = write();
    await until(() => isWaitingForTable((sql) => shop.application.query(sql)));
    await other.query('UNLOCK TABLES');
    await written;
    await shop.must('once');
    await expectSynced(shop);
  });
});
