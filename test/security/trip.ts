import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Connection } from 'mysql2/promise';
import { applyTriggers } from '../../src/capture/apply.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { readMapping } from '../../src/config/readMapping.ts';
import type { PassCounts } from '../../src/counts.ts';
import { connect, type Db } from '../../src/database/connect.ts';
import { migrateLatest } from '../../src/database/migrate.ts';
import { createLog } from '../../src/log.ts';
import { Worker } from '../../src/worker.ts';
import { connectAsApplication, type TestDatabase, testDatabase } from '../support/database.ts';
import { type Finished, runProgram } from '../support/program.ts';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';

/** Everything a change passes on its way, put together as the program does it, in this process. */
export type Trip = {
  database: TestDatabase;
  application: Connection;
  db: Db;
  sandbox: TestSandbox;
  /** Takes a mapping from its text: reads it and applies its triggers. */
  apply(yaml: string): Promise<void>;
  /** A worker that delivers all that is due. */
  drain(): Promise<PassCounts>;
  /** A command of the program, as a process of its own. */
  run(...args: string[]): Promise<Finished>;
  /** All that workers logged, at the level of trace. */
  logged(): string;
  close(): Promise<void>;
};

export async function openTrip(): Promise<Trip> {
  const [database, sandbox] = await Promise.all([testDatabase(), startTestSandbox()]);
  const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-trip-'));
  const file = join(folder, 'hubspot-outbox.yaml');
  const db = await connect(database.url);
  const application = await connectAsApplication(database);
  await migrateLatest(db);
  const env = { DATABASE_URL: database.url, HUBSPOT_BASE_URL: sandbox.url, HUBSPOT_ACCESS_TOKEN: sandbox.token };
  const stream = new PassThrough();
  let logged = '';
  stream.on('data', (text) => (logged += text));
  return {
    database,
    application,
    db,
    sandbox,
    apply: async (yaml) => {
      writeFileSync(file, yaml);
      await applyTriggers(db, readMapping(file));
    },
    drain: async () => {
      const log = createLog('trace', stream as unknown as NodeJS.WriteStream);
      const worker = new Worker({
        db,
        mapping: readMapping(file),
        environment: readEnvironment(env),
        log,
        metrics: null,
      });
      await worker.prepare();
      return (await worker.drain()).counts;
    },
    run: (...args) => runProgram(['--config', file, ...args], { ...env, LOG_LEVEL: 'trace' }),
    logged: () => logged,
    close: async () => {
      await db.destroy();
      await application.end();
      await sandbox.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether a text holds what drives a terminal, or makes one line look like another. */
export function isHarmless(text: string): boolean {
  return !/[^\P{Cc}\n]|[\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u.test(text);
}
