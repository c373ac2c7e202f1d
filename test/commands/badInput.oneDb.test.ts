import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/database/connect.ts';
import { migrateLatest } from '../../src/database/migrate.ts';
import { connectAsApplication, type TestDatabase, testDatabase } from '../support/database.ts';
import { createShop } from '../support/shop.ts';
import { expectRefused, runWithoutHubspot } from './refused.ts';

// What a look at the outbox finds is the server's, and tested on each (badInput.db.test.ts); that a command looks, before
// it does anything else, is not.
const commands = ['poison list', 'once', 'run', 'backfill', 'triggers plan'];

const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-test-'));
let database: TestDatabase;
let admin: Connection;
beforeAll(async () => {
  database = await testDatabase();
  admin = await connectAsApplication(database);
  await createShop(database, { users: 10 });
});
afterAll(async () => {
  await admin?.end();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (command: string) => runWithoutHubspot(database.url, command, folder);
const tables = async () => (await admin.query('SHOW TABLES'))[0];

it.each(commands)('a database without an outbox asks to migrate: %s', async (command) => {
  const before = await tables();
  expectRefused(await run(command), 'the outbox tables are not migrated', 'Try: hubspot-outbox migrate');
  expect(await tables()).toEqual(before);
});

describe('an outbox', () => {
  beforeAll(async () => {
    const db = await connect(database.url);
    await migrateLatest(db);
    await db.destroy();
    await admin.query(
      "INSERT INTO hubspot_migration (name, batch, migration_time) VALUES ('20991231_later', 2, NOW())",
    );
  });

  it.each([...commands, 'triggers apply'])('refuses a program that is older than it: %s', async (command) => {
    const told = ['newer than this program', '20991231_later', 'Try: install the current version of hubspot-outbox'];
    expectRefused(await run(command), ...told);
    expect(await admin.query('SHOW TRIGGERS')).toMatchObject([[], expect.anything()]);
  });
});
