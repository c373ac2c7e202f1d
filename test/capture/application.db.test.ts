import { Readable } from 'node:stream';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applyTriggers, dropTriggers } from '../../src/capture/apply.ts';
import { planTriggers } from '../../src/capture/plan.ts';
import { until } from '../support/program.ts';
import { isWaitingForTable } from '../support/sessions.ts';
import { type Captured, mappingOf, openCaptured, takeMarks } from './captured.ts';

const schema = `
  CREATE TABLE users (id INT PRIMARY KEY AUTO_INCREMENT, email VARCHAR(80) NOT NULL UNIQUE, first_name VARCHAR(8), logins INT DEFAULT 0);
  CREATE TABLE details (user_id INT PRIMARY KEY, phone VARCHAR(30));
  CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, user_id INT, total DECIMAL(8,2), KEY (user_id));
  CREATE TABLE audit (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(80))`;

const rows = `
  INSERT INTO users (id, email, first_name) VALUES (1, 'ann@x.de', 'Ann'), (2, 'bob@x.de', 'bob'), (3, 'cid@x.de', 'Cid');
  INSERT INTO details VALUES (1, '+49 1'), (2, '+49 2');
  INSERT INTO orders VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30)`;

const mapping = mappingOf(`SELECT u.id AS source_id, u.email, u.first_name AS firstname, d.phone,
    (SELECT SUM(o.total) FROM orders o WHERE o.user_id = u.id) AS spent
  FROM users u LEFT JOIN details d ON d.user_id = u.id WHERE u.id IN (:ids)`);

const rootQuery = 'SELECT u.id AS source_id, u.first_name AS firstname FROM users u WHERE u.id IN (:ids)';

type Statement = { title: string; sql: string; file?: string; marks: string[] };

/** Everything an application does to its rows, with the marks it must leave. */
const statements: Statement[] = [
  { title: 'INSERT', sql: "INSERT INTO users (email) VALUES ('dan@x.de')", marks: ['users 4'] },
  {
    title: 'INSERT of several rows',
    sql: "INSERT INTO users (email) VALUES ('dan@x.de'), ('eva@x.de'), ('fay@x.de')",
    marks: ['users 4', 'users 5', 'users 6'],
  },
  {
    title: 'INSERT IGNORE of a row that is there',
    sql: "INSERT IGNORE INTO users (email) VALUES ('ann@x.de'), ('dan@x.de')",
    marks: ['users 4'],
  },
  {
    title: 'INSERT … SELECT',
    sql: 'INSERT INTO orders (user_id, total) SELECT user_id, total + 1 FROM orders WHERE user_id = 1',
    marks: ['orders 1', 'orders 1'],
  },
  { title: 'UPDATE', sql: "UPDATE users SET first_name = 'Anna' WHERE id = 1", marks: ['users 1'] },
  {
    title: 'UPDATE of every row',
    sql: "UPDATE users SET first_name = 'X'",
    marks: ['users 1', 'users 2', 'users 3'],
  },
  {
    title: 'UPDATE of several tables',
    sql: "UPDATE users u JOIN details d ON d.user_id = u.id SET u.first_name = 'X', d.phone = '0' WHERE u.id = 2",
    marks: ['details 2', 'users 2'],
  },
  { title: 'UPDATE that finds nothing', sql: "UPDATE users SET first_name = 'X' WHERE id = 99", marks: [] },
  { title: 'UPDATE that changes nothing', sql: "UPDATE users SET first_name = 'Ann' WHERE id = 1", marks: [] },
  { title: 'UPDATE from bob to Bob', sql: "UPDATE users SET first_name = 'Bob' WHERE id = 2", marks: ['users 2'] },
  {
    title: 'UPDATE by a blank at the end',
    sql: "UPDATE users SET first_name = 'bob ' WHERE id = 2",
    marks: ['users 2'],
  },
  { title: 'UPDATE to NULL', sql: 'UPDATE users SET first_name = NULL WHERE id = 2', marks: ['users 2'] },
  { title: 'UPDATE of a column no query reads', sql: 'UPDATE users SET logins = logins + 1', marks: [] },
  { title: 'UPDATE of the key', sql: 'UPDATE users SET id = 30 WHERE id = 3', marks: ['users 3', 'users 30'] },
  {
    title: 'UPDATE of what is joined',
    sql: 'UPDATE orders SET user_id = 3 WHERE id = 3',
    marks: ['orders 2', 'orders 3'],
  },
  {
    title: 'UPDATE of what is joined, to NULL',
    sql: 'UPDATE orders SET user_id = NULL WHERE id = 3',
    marks: ['orders 2'],
  },
  { title: 'DELETE', sql: 'DELETE FROM orders WHERE user_id = 1', marks: ['orders 1', 'orders 1'] },
  {
    title: 'DELETE from several tables',
    sql: 'DELETE u, d FROM users u JOIN details d ON d.user_id = u.id WHERE u.id = 1',
    marks: ['details 1', 'users 1'],
  },
  {
    title: 'REPLACE of a row that is there',
    sql: "REPLACE INTO users (id, email, first_name) VALUES (2, 'bob@x.de', 'Rob')",
    marks: ['users 2', 'users 2'],
  },
  {
    title: 'REPLACE that removes another row by its unique e-mail',
    sql: "REPLACE INTO users (email, first_name) VALUES ('ann@x.de', 'Ann')",
    marks: ['users 1', 'users 4'],
  },
  { title: 'REPLACE of a new row', sql: "REPLACE INTO details VALUES (3, '+49 3')", marks: ['details 3'] },
  {
    title: 'INSERT … ON DUPLICATE KEY UPDATE of a row that is there',
    sql: "INSERT INTO users (email, first_name) VALUES ('bob@x.de', 'Rob') ON DUPLICATE KEY UPDATE first_name = VALUES(first_name)",
    marks: ['users 2'],
  },
  {
    title: 'INSERT … ON DUPLICATE KEY UPDATE of a new row',
    sql: "INSERT INTO users (email) VALUES ('dan@x.de') ON DUPLICATE KEY UPDATE first_name = 'X'",
    marks: ['users 4'],
  },
  {
    title: 'INSERT … ON DUPLICATE KEY UPDATE that changes nothing',
    sql: "INSERT INTO users (email) VALUES ('bob@x.de') ON DUPLICATE KEY UPDATE first_name = 'bob'",
    marks: [],
  },
  {
    title: 'LOAD DATA',
    sql: "LOAD DATA LOCAL INFILE 'rows' INTO TABLE details",
    file: '3\t+49 3\n4\t+49 4\n',
    marks: ['details 3', 'details 4'],
  },
  {
    title: 'LOAD DATA that replaces',
    sql: "LOAD DATA LOCAL INFILE 'rows' REPLACE INTO TABLE details",
    file: '2\t+49 9\n3\t+49 3\n',
    marks: ['details 2', 'details 2', 'details 3'],
  },
  {
    title: 'a value cut short, which warns',
    sql: "INSERT IGNORE INTO users (email, first_name) VALUES ('dan@x.de', 'Maximilian')",
    marks: ['users 4'],
  },
  {
    title: 'a value turned into a number, which warns',
    sql: "UPDATE IGNORE orders SET total = 'ten' WHERE id = 1",
    marks: ['orders 1'],
  },
  { title: 'a duplicate, which fails', sql: "INSERT INTO users (email) VALUES ('ann@x.de')", marks: [] },
];

/** What the application sees of a statement: the server's answer, and what it may ask for afterwards. */
type Seen = { answer: unknown; counters: unknown; warnings: unknown };

let captured: Captured;
beforeAll(async () => {
  captured = await openCaptured(schema);
  await captured.application.query('SET GLOBAL local_infile = 1');
});
// No transaction and no lock outlives its test.
afterEach(() => captured.endOthers());
afterAll(() => captured?.close());

async function fillTables({ application }: Captured): Promise<void> {
  await application.query("SET sql_mode = 'STRICT_ALL_TABLES'");
  await application.query('TRUNCATE users; TRUNCATE details; TRUNCATE orders');
  await application.query(rows);
  await application.query('SELECT LAST_INSERT_ID(77)');
}

async function see({ sql, file }: Statement): Promise<Seen> {
  const { application } = captured;
  const asked = async (question: string) => {
    await fillTables(captured);
    const answer = await application
      .query({ sql, infileStreamFactory: () => Readable.from([Buffer.from(file ?? '')]) })
      .then(([header]) => toAnswer(header as ResultSetHeader))
      .catch(({ errno, message }: Error & { errno: number }) => ({ errno, message }));
    const [told] = await application.query(question);
    return { answer, told };
  };
  const counted = await asked('SELECT ROW_COUNT() AS changed, LAST_INSERT_ID() AS id');
  const warned = await asked('SHOW WARNINGS');
  expect(counted.answer).toEqual(warned.answer);
  return { answer: counted.answer, counters: counted.told, warnings: warned.told };
}

function toAnswer({ affectedRows, insertId, info, warningStatus }: ResultSetHeader) {
  return { affectedRows, insertId, info, warningStatus };
}

describe('an application', () => {
  const bare = new Map<string, Seen>();
  beforeAll(async () => {
    for (const statement of statements) bare.set(statement.title, await see(statement));
    await applyTriggers(captured.db, mapping);
  });

  it.each(statements)('sees of a statement what it sees without triggers: $title', async (statement) => {
    expect(await see(statement)).toEqual(bare.get(statement.title));
  });

  it.each(statements)('leaves just the marks of the records it changes: $title', async ({ sql, file, marks }) => {
    await fillTables(captured);
    await takeMarks(captured.db);
    await captured.application
      .query({ sql, infileStreamFactory: () => Readable.from([Buffer.from(file ?? '')]) })
      .catch(() => undefined);
    expect((await takeMarks(captured.db)).sort()).toEqual(marks);
  });

  it('marks nothing in a transaction that it rolls back', async () => {
    await fillTables(captured);
    await takeMarks(captured.db);
    await captured.application.query("START TRANSACTION; UPDATE users SET first_name = 'X'; ROLLBACK");
    expect(await takeMarks(captured.db)).toEqual([]);
  });
});

describe('an application whose outbox', () => {
  beforeAll(() => applyTriggers(captured.db, mapping));
  beforeEach(() => fillTables(captured));

  it('is renamed away writes as it did, and sees no warning', async () => {
    await captured.db.raw('RENAME TABLE hubspot_mark TO hubspot_mark_away');
    try {
      for (const statement of statements.filter(({ title }) =>
        /^(INSERT|UPDATE|DELETE|REPLACE of a new row)$/.test(title),
      )) {
        await fillTables(captured);
        const [header] = await captured.application.query(statement.sql);
        expect((header as ResultSetHeader).affectedRows).toBeGreaterThan(0);
        expect((await captured.application.query('SHOW WARNINGS'))[0]).toEqual([]);
      }
    } finally {
      await captured.db.raw('RENAME TABLE hubspot_mark_away TO hubspot_mark');
    }
  });

  // A statement takes the locks of all tables that its triggers name before any of them runs, so no handler is in reach.
  it('is kept by LOCK TABLES of somebody else waits with every write of a watched table, as long as its own lock_wait_timeout says', async () => {
    const locker = await captured.another();
    const writer = await captured.another();
    await writer.query('SET SESSION lock_wait_timeout = 1');
    await locker.query('LOCK TABLES hubspot_mark WRITE');
    for (const sql of ["UPDATE users SET first_name = 'X' WHERE id = 1", 'UPDATE users SET logins = 9 WHERE id = 1'])
      await expect(writer.query(sql)).rejects.toMatchObject({ errno: 1205 });
    expect(await affected(writer, "INSERT INTO audit (what) VALUES ('not watched')")).toBe(1);
    await locker.query('UNLOCK TABLES');
    expect(await affected(writer, "UPDATE users SET first_name = 'X' WHERE id = 1")).toBe(1);
  });
});

describe('a long transaction', () => {
  beforeAll(() => applyTriggers(captured.db, mapping));
  beforeEach(() => fillTables(captured));

  it('that updated every user delays no update of the details and orders of another session', async () => {
    const long = await captured.another();
    const online = await captured.another();
    await online.query('SET SESSION innodb_lock_wait_timeout = 1');
    await long.query("START TRANSACTION; UPDATE users SET first_name = 'X'");
    expect(await affected(online, "UPDATE details SET phone = '0'")).toBe(2);
    expect(await affected(online, 'UPDATE orders SET total = total + 1')).toBe(3);
    expect(await affected(online, 'UPDATE orders SET user_id = 3 WHERE id = 1')).toBe(1);
    expect(await affected(online, 'DELETE FROM orders WHERE id = 3')).toBe(1);
    expect(await affected(online, "INSERT INTO details VALUES (3, '+49 3')")).toBe(1);
  });

  it('makes apply give up, and no application behind it waits longer than apply does', async () => {
    const long = await captured.another();
    const online = await captured.another();
    await long.query('START TRANSACTION; SELECT COUNT(*) FROM users');
    const changed = mappingOf('SELECT u.id AS source_id, u.logins FROM users u WHERE u.id IN (:ids)');
    const applied = applyTriggers(captured.db, changed, { attempts: 2, lockWaitSeconds: 1, pauseMs: 200 }).catch(
      (error: unknown) => error,
    );
    await untilWaiting(captured);
    // The insert queues behind CREATE TRIGGER, and is let through when that gives up after a second.
    await online.query('SET SESSION lock_wait_timeout = 60');
    expect(await affected(online, "INSERT INTO users (email) VALUES ('eva@x.de')")).toBe(1);
    expect(await applied).toMatchObject({
      code: 'TABLE_BUSY',
      message: expect.stringMatching(/^the table users is busy: 2 tries of 1 s each/),
    });
    await long.query('COMMIT');
    expect((await applyTriggers(captured.db, changed)).changes).not.toEqual([]);
    await applyTriggers(captured.db, mapping);
  });
});

describe('a busy table', () => {
  beforeEach(() => fillTables(captured));

  it('gets its triggers by a later try, once the transaction between is over', async () => {
    await dropTriggers(captured.db);
    const long = await captured.another();
    await long.query('START TRANSACTION; SELECT COUNT(*) FROM users');
    const applied: string[] = [];
    const applying = applyTriggers(captured.db, mappingOf(rootQuery), {
      attempts: 2,
      lockWaitSeconds: 1,
      pauseMs: 3_000,
      onChange: ({ kind }) => applied.push(kind),
    });
    await untilWaiting(captured);
    await untilWaiting(captured, false);
    // Its only try so far has failed, and nobody queues behind the table while it pauses.
    expect(applied).toEqual([]);
    expect(await affected(captured.application, "UPDATE users SET first_name = 'Y' WHERE id = 1")).toBe(1);
    await long.query('COMMIT');
    await applying;
    expect(applied).toEqual(['missing', 'missing', 'missing']);
    expect((await planTriggers(captured.db, mappingOf(rootQuery))).changes).toEqual([]);
    await takeMarks(captured.db);
    await captured.application.query("UPDATE users SET first_name = 'Z' WHERE id = 1");
    expect(await takeMarks(captured.db)).toEqual(['users 1']);
  });
});

async function affected(connection: Connection, sql: string): Promise<number> {
  const [header] = await connection.query(sql);
  return (header as ResultSetHeader).affectedRows;
}

/** Until a statement about triggers waits for a table, or until none does. */
async function untilWaiting({ application }: Captured, isWaiting = true): Promise<void> {
  await until(async () => (await isWaitingForTable((sql) => application.query(sql))) === isWaiting);
}
