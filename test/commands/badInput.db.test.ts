import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectAsApplication, type TestDatabase, testDatabase } from '../support/database.ts';
import { createShop } from '../support/shop.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { type Account, createAccount } from './account.ts';
import { expectRefused, runWithoutHubspot } from './refused.ts';

const README = 'the README lists the least rights as GRANT statements';

const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (url: string, command: string) => runWithoutHubspot(url, command, folder);

describe('a database without an outbox', () => {
  let database: TestDatabase;
  let admin: Connection;
  let account: Account;
  beforeAll(async () => {
    database = await testDatabase();
    admin = await connectAsApplication(database);
    await createShop(database, { users: 10 });
  });
  afterAll(async () => {
    await admin.end();
    await database.drop();
  });
  beforeEach(async () => {
    account = await createAccount(admin, database);
  });
  afterEach(() => account.drop());

  const outbox = async () => (await admin.query("SHOW TABLES LIKE 'hubspot%'"))[0];

  it('refuses a wrong password', async () => {
    const url = account.url.replace('s3cr3t', 'other-s3cr3t');
    expectRefused(await run(url, 'status'), 'refuses user u_', 'Try: check user and password of DATABASE_URL');
  });

  it('says which database is unknown', async () => {
    const told = [
      `there is no database ${database.name}_x at 127.0.0.1`,
      'Try: check the name at the end of DATABASE_URL',
    ];
    expectRefused(await run(`${database.url}_x`, 'status'), ...told);
  });

  it('says that an account has no rights on it', async () => {
    const told = ['user u_', `has no rights on database ${database.name}`, `Try: grant them; ${README}`];
    expectRefused(await run(account.url, 'status'), ...told);
  });

  // That each of the other commands looks too: badInput.oneDb.test.ts.
  it.each(['status', 'triggers apply'])('asks to migrate: %s', async (command) => {
    const told = ['the outbox tables are not migrated', 'Try: hubspot-outbox migrate'];
    expectRefused(await run(database.url, command), ...told);
    expect(await outbox()).toEqual([]);
  });

  const all = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'ALTER', 'DROP', 'INDEX', 'CREATE VIEW', 'SHOW VIEW'];
  it.each(['INSERT', 'CREATE', 'DROP', 'CREATE VIEW'])(
    'is migrated whole or not at all: without %s',
    async (missing) => {
      await account.grant(all.filter((right) => right !== missing).join(', '));
      const told = [`${missing} command denied to user`, 'Try: grant SELECT, INSERT'];
      expectRefused(await run(account.url, 'migrate'), ...told);
      expect(await outbox()).toEqual([]);
    },
  );

  it("keeps somebody else's table of that name", async () => {
    await admin.query('CREATE TABLE hubspot_mark (mine INT)');
    expectRefused(
      await run(database.url, 'migrate'),
      'the database holds hubspot_mark already',
      'Try: rename or drop it',
    );
    expect(await outbox()).toHaveLength(1);
    await admin.query('SELECT mine FROM hubspot_mark');
    await admin.query('DROP TABLE hubspot_mark');
  });
});

describe('an outbox', () => {
  let shop: SyncedShop;
  let account: Account;
  beforeAll(async () => {
    shop = await openSyncedShop({ users: 10 });
  });
  afterAll(() => shop?.close());
  beforeEach(async () => {
    account = await createAccount(shop.application, shop.database);
    await account.grant('SELECT');
  });
  afterEach(() => account.drop());

  it('refuses a program whose account may not write it, and sends nothing', async () => {
    const denied = ["INSERT command denied to user 'u_", 'hubspot_object', `Try: grant it; ${README}`];
    for (const command of ['once', 'run', 'backfill']) expectRefused(await run(account.url, command), ...denied);
    expect(await shop.select('SELECT * FROM hubspot_data')).toEqual([]);
  });

  it('gets no triggers from an account that may not create them', async () => {
    await shop.dropTriggers();
    await account.grant('INSERT, UPDATE, DELETE', 'hubspot_watch');
    const denied = ['cannot change the triggers of', 'the account may not create triggers', 'Try: GRANT TRIGGER'];
    expectRefused(await run(account.url, 'triggers apply'), ...denied);
    expect(await shop.select('SHOW TRIGGERS')).toEqual([]);
    await shop.applyTriggers();
  });

  it("is kept from an account that may not read the application's tables", async () => {
    const blind = await createAccount(shop.application, shop.database);
    const tables = await shop.select<Record<string, string>>("SHOW TABLES LIKE 'hubspot%'");
    for (const name of tables.flatMap(Object.values)) await blind.grant('SELECT, INSERT, UPDATE, DELETE', name);
    expectRefused(await run(blind.url, 'once'), 'objects.contacts.key: there is no table users');
    await blind.drop();
    expect(await shop.select('SELECT * FROM hubspot_data')).toEqual([]);
  });

  it('says which part of it is missing', async () => {
    await shop.application.query('RENAME TABLE hubspot_worker TO elsewhere');
    expectRefused(
      await run(shop.database.url, 'status'),
      'a part of the outbox is missing',
      'hubspot_worker',
      'Try: restore',
    );
    await shop.application.query('RENAME TABLE elsewhere TO hubspot_worker');
    await shop.must('status');
  });

  it('refuses a program that is older than it', async () => {
    const before = await shop.select('SHOW TABLES');
    await shop.application.query(
      "INSERT INTO hubspot_migration (name, batch, migration_time) VALUES ('20991231_later', 2, NOW())",
    );
    const told = ['newer than this program', '20991231_later', 'Try: install the current version of hubspot-outbox'];
    for (const command of ['status', 'migrate', 'migrate --rollback']) {
      expectRefused(await run(shop.database.url, command), ...told);
    }
    expect(await shop.select('SHOW TABLES')).toEqual(before);
    expect(await shop.must('migrate', '--status')).toContain('newer than this program  20991231_later');
    await shop.application.query("DELETE FROM hubspot_migration WHERE name = '20991231_later'");
  });
});
