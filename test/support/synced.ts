import type { Connection } from 'mysql2/promise';
import { expect } from 'vitest';
import { readMapping } from '../../src/config/readMapping.ts';
import { connectAsApplication, type TestDatabase, testDatabase } from './database.ts';
import { type Finished, runProgram } from './program.ts';
import { startTestSandbox, type TestSandbox } from './sandbox.ts';
import { compare, createShop, shopMapping } from './shop.ts';

/** The shop with its outbox, its triggers, a sandbox HubSpot, and the program to run against them. */
export type SyncedShop = {
  database: TestDatabase;
  sandbox: TestSandbox;
  application: Connection;
  env: Record<string, string>;
  run(...args: string[]): Promise<Finished>;
  /** Runs a command that must succeed; returns what it printed. */
  must(...args: string[]): Promise<string>;
  select<T>(sql: string): Promise<T[]>;
  close(): Promise<void>;
};

export async function openSyncedShop({ users = 200, seed = 1, mapping = shopMapping } = {}): Promise<SyncedShop> {
  const [database, sandbox] = await Promise.all([testDatabase(), startTestSandbox()]);
  await createShop(database, { users, seed });
  const application = await connectAsApplication(database);
  const env = { DATABASE_URL: database.url, HUBSPOT_BASE_URL: sandbox.url, HUBSPOT_ACCESS_TOKEN: sandbox.token };
  const run = (...args: string[]) => runProgram(['--config', mapping, ...args], env);
  const must = async (...args: string[]) => {
    const { code, out, err } = await run(...args);
    expect(`${code} ${err}`, `hubspot-outbox ${args.join(' ')}`).toBe('0 ');
    return out;
  };
  await must('migrate');
  await must('triggers', 'apply');
  return {
    database,
    sandbox,
    application,
    env,
    run,
    must,
    select: async <T>(sql: string) => (await application.query(sql))[0] as T[],
    close: async () => {
      await application.end();
      await sandbox.close();
      await database.drop();
    },
  };
}

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
