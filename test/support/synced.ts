import type { Connection } from 'mysql2/promise';
import { expect } from 'vitest';
import { applyTriggers, dropTriggers } from '../../src/capture/apply.ts';
import { readMapping } from '../../src/config/readMapping.ts';
import { connect, type Db } from '../../src/database/connect.ts';
import { migrateLatest } from '../../src/database/migrate.ts';
import { type Accounts, createAccounts } from './accounts.ts';
import { connectAsApplication, type TestDatabase, testDatabase } from './database.ts';
import { type Finished, runProgram } from './program.ts';
import { startTestSandbox, type TestSandbox } from './sandbox.ts';
import { compare, createShop, shopMapping } from './shop.ts';

/** The shop with its outbox, its triggers, a sandbox HubSpot, and the program to run against them. */
export type SyncedShop = {
  database: TestDatabase;
  sandbox: TestSandbox;
  /** The application's own connection. */
  readonly application: Connection;
  /** The application connects anew: its server was started anew. */
  reconnect(): Promise<void>;
  accounts: Accounts;
  /** Of the running account, which has just the rights that `grants` prints. */
  env: Record<string, string>;
  /** Runs a command as the account it is for: `migrate` and `triggers` as the migrating one. */
  run(...args: string[]): Promise<Finished>;
  /** Runs a command that must succeed; returns what it printed. */
  must(...args: string[]): Promise<string>;
  /** As `triggers apply` does it, with the migrating account, without a start of the program. */
  applyTriggers(): Promise<void>;
  /** As `triggers drop` does it. */
  dropTriggers(): Promise<void>;
  select<T>(sql: string): Promise<T[]>;
  close(): Promise<void>;
};

export async function openSyncedShop({ users = 200, seed = 1, mapping = shopMapping } = {}): Promise<SyncedShop> {
  const [database, sandbox] = await Promise.all([testDatabase(), startTestSandbox()]);
  await createShop(database, { users, seed });
  let application = await connectAsApplication(database);
  const accounts = await createAccounts(database, mapping);
  const hubspot = { HUBSPOT_BASE_URL: sandbox.url, HUBSPOT_ACCESS_TOKEN: sandbox.token };
  const env = { DATABASE_URL: accounts.runningUrl, ...hubspot };
  const migratingEnv = { DATABASE_URL: accounts.migratingUrl, ...hubspot };
  const run = (...args: string[]) =>
    runProgram(['--config', mapping, ...args], MIGRATING.includes(args[0] ?? '') ? migratingEnv : env);
  const must = async (...args: string[]) => {
    const { code, out, err } = await run(...args);
    expect(`${code} ${err}`, `hubspot-outbox ${args.join(' ')}`).toBe('0 ');
    return out;
  };
  const shop = {
    database,
    sandbox,
    get application() {
      return application;
    },
    reconnect: async () => {
      application.destroy();
      application = await connectAsApplication(database);
    },
    accounts,
    env,
    run,
    must,
    applyTriggers: () => migrating(accounts, (db) => applyTriggers(db, readMapping(mapping))),
    dropTriggers: () => migrating(accounts, (db) => dropTriggers(db)),
    select: async <T>(sql: string) => (await application.query(sql))[0] as T[],
    close: async () => {
      await application.end();
      await sandbox.close();
      await accounts.drop();
      await database.drop();
    },
  };
  try {
    await installOutbox(accounts, mapping);
    return shop;
  } catch (error) {
    // A sandbox left behind would keep the whole suite from ending.
    await shop.close();
    throw error;
  }
}

/** As `migrate` and `triggers apply` do it, without a start of the program for each: what is tested begins behind it. */
async function installOutbox(accounts: Accounts, mapping: string): Promise<void> {
  await migrating(accounts, async (db) => {
    await migrateLatest(db);
    await accounts.grantRunning();
    await applyTriggers(db, readMapping(mapping));
  });
}

async function migrating({ migratingUrl }: Accounts, work: (db: Db) => Promise<unknown>): Promise<void> {
  const db = await connect(migratingUrl);
  try {
    await work(db);
  } finally {
    await db.destroy();
  }
}

const MIGRATING = ['migrate', 'triggers'];

/** HubSpot holds what the SELECTs return, for every record that is not poison; and nothing waits. */
export async function expectSynced({ database, sandbox, select }: SyncedShop, mapping = shopMapping): Promise<void> {
  for (const object of readMapping(mapping).objects) {
    const { differences, returned } = await compare(database, object, await sandbox.records(object.type));
    expect(differences).toEqual([]);
    expect(returned).toBeGreaterThan(0);
  }
  expect(await select('SELECT * FROM hubspot_mark')).toEqual([]);
  expect(await select("SELECT source_id FROM hubspot_data WHERE status = 'pending'")).toEqual([]);
}
