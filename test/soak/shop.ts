import type { Connection } from 'mysql2/promise';
import { createAccounts } from '../support/accounts.ts';
import { connectAsApplication, testDatabase } from '../support/database.ts';
import { runProgram } from '../support/program.ts';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';
import { createShop } from '../support/shop.ts';
import { keepHistory } from './history.ts';
import { type RecordedCall, startRecorder } from './recorder.ts';

const USERS = 300;

/** The shop, its outbox, a sandbox and the recorder before it. */
export type SoakedShop = {
  url: string;
  connection: Connection;
  sandbox: TestSandbox;
  calls: RecordedCall[];
  /** Of the running account, which has just the rights that `grants` prints. */
  env: Record<string, string>;
  must(...args: string[]): Promise<string>;
  select<T>(sql: string): Promise<T[]>;
  close(): Promise<void>;
};

export async function openShop(mapping: string, seed: number): Promise<SoakedShop> {
  const [database, sandbox] = await Promise.all([
    testDatabase(),
    startTestSandbox({ plan: 'unlimited', keepsCalls: false }),
  ]);
  process.on('exit', () => void sandbox.close());
  const recorder = await startRecorder(sandbox.url);
  await createShop(database, { users: USERS, seed });
  const connection = await connectAsApplication(database);
  const accounts = await createAccounts(database, mapping);
  const hubspot = { HUBSPOT_BASE_URL: recorder.url, HUBSPOT_ACCESS_TOKEN: sandbox.token };
  const env = { DATABASE_URL: accounts.runningUrl, ...hubspot };
  const migratingEnv = { DATABASE_URL: accounts.migratingUrl, ...hubspot };
  const must = async (...args: string[]) => {
    const isMigrating = ['migrate', 'triggers'].includes(args[0] ?? '');
    const { code, out, err } = await runProgram(['--config', mapping, ...args], isMigrating ? migratingEnv : env);
    if (code !== 0) throw new Error(`hubspot-outbox ${args.join(' ')} ended with ${code}: ${err}`);
    return out;
  };
  await must('migrate');
  await accounts.grantRunning();
  await must('triggers', 'apply');
  await keepHistory(connection);
  return {
    url: database.url,
    connection,
    sandbox,
    calls: recorder.calls,
    env,
    must,
    select: async <T>(sql: string) => (await connection.query(sql))[0] as T[],
    close: async () => {
      await connection.end();
      await recorder.close();
      await sandbox.close();
      await accounts.drop();
      await database.drop();
    },
  };
}
