import type { Connection } from 'mysql2/promise';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Db } from '../../src/database/connect.ts';
import { migrateLatest, migrationStatus, requireMigrated, rollback } from '../../src/database/migrate.ts';
import { connectAsApplication, type TestDatabase, testDatabase } from '../support/database.ts';
import { runProgram } from '../support/program.ts';

const STEP = '20261127_outbox';
const MARK = "INSERT INTO hubspot_mark (watch, source_key, session, noted_at) VALUES (1, '1', 1, NOW())";

let database: TestDatabase;
let application: Connection;
let db: Db;
beforeEach(async () => {
  database = await testDatabase();
  application = await connectAsApplication(database);
  db = await connect(database.url);
  await application.query('CREATE TABLE users (id INT PRIMARY KEY); INSERT INTO users VALUES (1)');
});
afterEach(async () => {
  await db?.destroy();
  await application.end();
  await database.drop();
});

async function tables(): Promise<string[]> {
  const [rows] = await application.query("SHOW TABLES LIKE 'hubspot%'");
  return (rows as Record<string, string>[]).flatMap((row) => Object.values(row)).sort();
}

/** Every table and view as the server would make it again. */
async function definitions(): Promise<string[]> {
  const made: string[] = [];
  for (const name of await tables()) {
    const [rows] = await application.query(`SHOW CREATE TABLE ${name}`);
    const [, text] = Object.values((rows as Record<string, string>[])[0] ?? {});
    made.push(String(text).replace(/ AUTO_INCREMENT=\d+/, ''));
  }
  return made;
}

const migrate = (...args: string[]) => runProgram(['migrate', ...args], { DATABASE_URL: database.url });

describe('the migrations', () => {
  it('go up, down and up again, and end as they began', async () => {
    expect(await migrateLatest(db)).toContain(STEP);
    const up = await definitions();
    expect(up.length).toBeGreaterThan(8);
    await application.query(MARK);
    while ((await rollback(db)).length > 0);
    expect(await tables()).toEqual(['hubspot_migration', 'hubspot_migration_lock']);
    expect(await migrateLatest(db)).toContain(STEP);
    expect(await definitions()).toEqual(up);
    expect((await application.query('SELECT * FROM hubspot_mark'))[0]).toEqual([]);
    expect((await application.query('SELECT id FROM users'))[0]).toEqual([{ id: 1 }]);
  });

  it('do nothing the second time, and take nothing back that is not there', async () => {
    await migrateLatest(db);
    await application.query(MARK);
    expect(await migrateLatest(db)).toEqual([]);
    expect((await application.query('SELECT source_key FROM hubspot_mark'))[0]).toEqual([{ source_key: '1' }]);
    while ((await rollback(db)).length > 0);
    expect(await rollback(db)).toEqual([]);
  });

  it('are known: what is done, what is due', async () => {
    const { due } = await migrationStatus(db);
    expect(due).toContain(STEP);
    await expect(requireMigrated(db)).rejects.toMatchObject({ code: 'NOT_MIGRATED' });
    expect(await tables()).toEqual([]);
    await migrateLatest(db);
    expect(await migrationStatus(db)).toEqual({ done: due, due: [], unknown: [] });
    await requireMigrated(db);
  });

  it('that a newer program made are left alone', async () => {
    await migrateLatest(db);
    const { done } = await migrationStatus(db);
    await application.query(
      "INSERT INTO hubspot_migration (name, batch, migration_time) VALUES ('20991231_later', 2, NOW())",
    );
    const before = await definitions();
    for (const act of [migrateLatest, rollback, requireMigrated]) {
      await expect(act(db)).rejects.toMatchObject({ code: 'NEWER_TABLES', exitCode: 2 });
    }
    expect(await migrationStatus(db)).toEqual({
      done: [...done, '20991231_later'],
      due: [],
      unknown: ['20991231_later'],
    });
    expect(await definitions()).toEqual(before);
  });

  it('go on where a process was killed among them', async () => {
    await migrateLatest(db);
    const whole = await definitions();
    await application.query(MARK);
    // As a process leaves it that ends after its first tables: knex's lock is taken, its books are empty.
    await application.query('DROP VIEW hubspot_poison, hubspot_backlog; DROP TABLE hubspot_worker, hubspot_match');
    await application.query('DELETE FROM hubspot_migration; UPDATE hubspot_migration_lock SET is_locked = 1');
    expect(await migrateLatest(db)).toContain(STEP);
    expect(await definitions()).toEqual(whole);
    expect((await application.query('SELECT source_key FROM hubspot_mark'))[0]).toEqual([{ source_key: '1' }]);
  });

  it('keep what stood before them when they fail', async () => {
    await application.query('CREATE VIEW hubspot_data AS SELECT 1 AS n');
    await expect(migrateLatest(db)).rejects.toThrow();
    expect(await tables()).toEqual(['hubspot_data']);
  });
});

describe('the command migrate', () => {
  it('may be started several times at once: one works, the others find it done', async () => {
    const finished = await Promise.all([migrate(), migrate(), migrate()]);
    expect(finished.map(({ code, err }) => `${code} ${err}`)).toEqual(['0 ', '0 ', '0 ']);
    const said = finished.map(({ out }) => out.split(':')[0]?.trim()).sort();
    expect(said).toEqual(['Migrated', 'The outbox tables are up to date.', 'The outbox tables are up to date.']);
    expect((await migrationStatus(db)).due).toEqual([]);
  });

  it('waits for another that is at work, and says so when it takes too long', async () => {
    await application.query("SELECT GET_LOCK(CONCAT('hubspot_migrate_', CRC32(DATABASE())), 0)");
    const { code, out, err } = await migrate();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe('Error: another process is migrating the outbox tables\nTry: wait until it is through\n');
    expect(await tables()).toEqual([]);
  });

  it('tells what is done and what is due, in words and in JSON', async () => {
    expect((await migrate('--status')).out).toContain(`due   ${STEP}\n`);
    expect((await migrate()).out).toContain(`Migrated: ${STEP}\n`);
    expect((await migrate('--status')).out).toContain(`done  ${STEP}\n`);
    const told = JSON.parse((await migrate('--status', '--json')).out);
    expect(told).toEqual({ done: expect.arrayContaining([STEP]), due: [], unknown: [] });
  });

  it('takes them back, and warns of triggers that would note changes for nobody', async () => {
    await migrate();
    await application.query(`CREATE TRIGGER hubspot_users_ai AFTER INSERT ON users FOR EACH ROW ${MARK}`);
    const { code, out, err } = await migrate('--rollback');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(`Taken back: `) });
    expect(err).toMatch(/^Warning: 1 trigger still stands.*\nTry: hubspot-outbox triggers drop\n$/);
    await application.query('DROP TRIGGER hubspot_users_ai');
    while ((await rollback(db)).length > 0);
    expect(await migrate('--rollback')).toEqual({ code: 0, out: 'Nothing to take back.\n', err: '' });
  });
});
