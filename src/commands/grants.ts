import type { Command } from 'commander';
import type { Mapping } from '../config/mapping.ts';
import type { Db } from '../database/connect.ts';
import type { GrantedTable, GrantingServer, Grants } from '../database/grants.ts';
import { configFile } from './context.ts';

type Options = { account: string; host: string; json?: boolean };

/** `grants`: the least rights of the two accounts, derived from the mapping, as GRANT statements. */
export function addGrantsCommand(program: Command): void {
  program
    .command('grants')
    .description('the least rights of the two accounts, as GRANT statements; changes nothing')
    .option('--account <name>', 'the account of the worker; the migrating one is NAME_admin', 'outbox')
    .option('--host <host>', 'where the accounts connect from', '%')
    .option('--json', 'as JSON')
    .action((options: Options) => run(program, options));
}

type Granted = Grants & { database: string; notes: string[] };

async function run(program: Command, { account, host, json }: Options): Promise<void> {
  const [{ readEnvironment }, { readMapping }, { openDatabase }] = await Promise.all([
    import('../config/environment.ts'),
    import('../config/readMapping.ts'),
    import('./context.ts'),
  ]);
  const mapping = readMapping(configFile(program));
  const { db, close } = await openDatabase(readEnvironment(), { migrated: false });
  try {
    const granted = await grantsOf(db, mapping, { account, host });
    process.stdout.write(json ? `${JSON.stringify(granted, null, 2)}\n` : describe(granted));
  } finally {
    await close();
  }
}

async function grantsOf(db: Db, mapping: Mapping, names: { account: string; host: string }): Promise<Granted> {
  const [{ grantsFor }, { needsOf }] = await Promise.all([
    import('../database/grants.ts'),
    import('../capture/needs.ts'),
  ]);
  const [[{ name: database }]] = await db.raw('SELECT DATABASE() AS name');
  const { server, notes } = await askServer(db);
  const { watched, read, functions, unread } = await needsOf(db, mapping);
  return {
    database,
    ...grantsFor({ ...names, database, watched, read, functions, server }),
    notes: [...notes, ...unread, ...(await unseen(db, [...watched, ...read]))],
  };
}

/** Who the server is, and what it asks for that no grant gives. */
async function askServer(db: Db): Promise<{ server: GrantingServer; notes: string[] }> {
  const { readVersion } = await import('../capture/installed.ts');
  const { isMariaDb, number: version } = await readVersion(db);
  const [rows] = await db.raw(
    "SHOW VARIABLES WHERE Variable_name IN ('partial_revokes', 'log_bin', 'log_bin_trust_function_creators')",
  );
  const isOn = (name: string) =>
    (rows as { Variable_name: string; Value: string }[]).some(
      (row) => row.Variable_name === name && row.Value === 'ON',
    );
  const asksForTrust = isOn('log_bin') && !isOn('log_bin_trust_function_creators');
  return {
    server: { isMariaDb, version, hasPartialRevokes: isOn('partial_revokes') },
    notes: asksForTrust
      ? ['the server writes a binary log: triggers apply needs SET GLOBAL log_bin_trust_function_creators = 1']
      : [],
  };
}

/** Granting on a table that is not there fails; perhaps it only cannot be seen from here. */
async function unseen(db: Db, tables: readonly GrantedTable[]): Promise<string[]> {
  const [rows] = await db.raw(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
  );
  const seen = (rows as { name: string }[]).map(({ name }) => name);
  return tables
    .filter(({ name, database }) => database === undefined && !seen.includes(name))
    .map(({ name }) => `there is no table ${name} in the database, or this account may not see it`);
}

function describe({ database, migrating, running, notes }: Granted): string {
  return [
    `-- The least rights for hubspot-outbox on the database ${oneLine(database)}, for an administrator to run.`,
    '-- Create both accounts first, each with a password of its own:',
    `--   CREATE USER ${migrating.account} IDENTIFIED BY '…';`,
    `--   CREATE USER ${running.account} IDENTIFIED BY '…';`,
    ...notes.map((note) => `-- Note: ${oneLine(note)}`),
    '',
    '-- The account that migrates and applies triggers. The triggers go on running with its rights: drop it, or take',
    "-- TRIGGER on a table from it, and the application's writes to that table fail.",
    ...migrating.statements.map((statement) => `${statement};`),
    '',
    '-- The account of the worker. Run these after hubspot-outbox migrate: a server grants nothing on a table to come.',
    ...running.statements.map((statement) => `${statement};`),
    '',
  ].join('\n');
}

/** What stands behind -- must not become a statement. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}
