import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { parseDocument } from 'yaml';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import { shopMapping } from '../../test/support/shop.ts';
import { fillShop } from './fillShop.ts';
import { type Hubspot, startHubspot } from './hubspot.ts';
import type { Running } from './program.ts';
import type { Bench } from './scenario.ts';

/** The shop in a database of its own, its outbox and triggers, a HubSpot, and the program to run against them. */
export type Stage = {
  application: Connection;
  hubspot: Hubspot;
  databaseUrl: string;
  env: Record<string, string>;
  /** Runs a command of the program to its end; returns what it printed. */
  must(...args: string[]): Promise<string>;
  /** Starts a command of the program. */
  start(args: string[], env?: Record<string, string>): Running;
  query<T = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<T[]>;
  /** Another connection of the application. */
  connect(): Promise<Connection>;
  /** Waits until no mark is unfolded and no row pending. */
  settled(): Promise<void>;
  /** Brings everything to HubSpot as fast as it goes, so that a scenario begins with nothing to do. */
  syncAll(): Promise<void>;
  close(): Promise<void>;
};

export type StageOptions = {
  users: number;
  /** Of the mapping file, by their names there. */
  settings?: Record<string, string | number>;
  hubspot?: Partial<SandboxOptions>;
  /** Run on the filled tables before there are triggers. */
  prepare?: string;
};

export const LATENCY_MS = 150;

export async function openStage(
  bench: Bench,
  { users, settings = {}, hubspot = {}, prepare }: StageOptions,
): Promise<Stage> {
  const database = `bench_${randomBytes(4).toString('hex')}`;
  const databaseUrl = `${bench.server.adminUrl}/${database}`;
  // Inside the build's folder, which goes at the end whatever happens here.
  const folder = mkdtempSync(join(bench.build.folder, 'stage-'));
  const mapping = join(folder, 'hubspot-outbox.yaml');
  writeFileSync(mapping, mappingText(settings));
  const fast = join(folder, 'fast.yaml');
  writeFileSync(fast, mappingText({ ...settings, calls_per_10s: 10_000 }));
  const admin = await createConnection({ uri: bench.server.adminUrl });
  await admin.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
  const connect = () =>
    createConnection({ uri: databaseUrl, multipleStatements: true, dateStrings: true, charset: 'utf8mb4' });
  const application = await connect();
  await fillShop(application, users);
  if (prepare !== undefined) await application.query(prepare);
  const options = { plan: 'pro', latencyMs: LATENCY_MS, ...hubspot } as const;
  const sandbox = await startHubspot(bench.build, options);
  const env = {
    DATABASE_URL: databaseUrl,
    HUBSPOT_BASE_URL: sandbox.url,
    HUBSPOT_ACCESS_TOKEN: sandbox.token,
    HTTP_PORT: '0',
  };
  const must = (...args: string[]) => bench.build.run(bench.build.file, ['--config', mapping, ...args], env);
  const query: Stage['query'] = async <T>(sql: string, values?: unknown[]) =>
    (await application.query(sql, values))[0] as T[];
  await must('migrate');
  await must('triggers', 'apply');
  return {
    application,
    hubspot: sandbox,
    databaseUrl,
    env,
    must,
    start: (args, more = {}) =>
      bench.build.start(bench.build.file, ['--config', mapping, ...args], { ...env, ...more }),
    query,
    connect,
    settled: () => settled(query),
    syncAll: async () => {
      await sandbox.options({ plan: 'unlimited', latencyMs: 0, keepsCalls: false });
      await must('backfill');
      await bench.build.run(bench.build.file, ['--config', fast, 'once'], env);
      await sandbox.options({ keepsCalls: true, ...options });
      await sandbox.clearCalls();
    },
    close: async () => {
      await sandbox.close();
      await application.end();
      await admin.query(`DROP DATABASE ${database}`);
      await admin.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The shop's own mapping, of which the contacts are measured. */
function mappingText(settings: Record<string, string | number>): string {
  const document = parseDocument(readFileSync(shopMapping, 'utf8'));
  document.deleteIn(['objects', 'orders']);
  for (const [name, value] of Object.entries(settings)) document.setIn(['settings', name], value);
  return document.toString();
}

/** Asks for one row and not for a count: with a million rows pending the question must not be what is measured. */
async function settled(query: Stage['query']): Promise<void> {
  for (;;) {
    const [row] = await query<{ waits: number }>(
      `SELECT EXISTS(SELECT 1 FROM hubspot_mark)
           OR EXISTS(SELECT 1 FROM hubspot_data WHERE object = 'contacts' AND status = 'pending') AS waits`,
    );
    if (Number(row?.waits) === 0) return;
    await delay(50);
  }
}
