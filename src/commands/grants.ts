import type { Command } from 'commander';
import type { Granted } from '../grants.ts';
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

async function run(program: Command, { account, host, json }: Options): Promise<void> {
  const [{ readEnvironment }, { readMapping }, { openDatabase }, { grantsOf }] = await Promise.all([
    import('../config/environment.ts'),
    import('../config/readMapping.ts'),
    import('./context.ts'),
    import('../grants.ts'),
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
