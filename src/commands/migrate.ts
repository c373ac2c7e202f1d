import type { Command } from 'commander';
import type { Db } from '../database/connect.ts';
import type { MigrationStatus } from '../database/migrate.ts';
import { ConfigurationError } from '../errors.ts';

type Options = { status?: boolean; rollback?: boolean; json?: boolean };

/** `migrate [--status|--rollback]`: creates or updates the outbox tables, tells of them, or takes them away. */
export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('create or update the outbox tables (hubspot_*)')
    .option('--status', 'say which migrations are done and which are due, and change nothing')
    .option('--rollback', 'take the latest migration back; the tables it made go, with all that stands in them')
    .option('--json', 'with --status: as JSON')
    .action((options: Options) => run(options));
}

async function run(options: Options): Promise<void> {
  if (options.status && options.rollback) {
    throw new ConfigurationError('--status and --rollback ask for two things', {
      code: 'USAGE',
      remedy: 'hubspot-outbox migrate --status',
    });
  }
  const [{ readEnvironment }, { openDatabase }] = await Promise.all([
    import('../config/environment.ts'),
    import('./context.ts'),
  ]);
  const { db, close } = await openDatabase(readEnvironment(), { migrated: false });
  try {
    await act(db, options);
  } finally {
    await close();
  }
}

async function act(db: Db, { status, rollback: isRollback, json }: Options): Promise<void> {
  const { migrateLatest, migrationStatus, rollback } = await import('../database/migrate.ts');
  if (status) {
    print(json ? JSON.stringify(await migrationStatus(db), null, 2) : tell(await migrationStatus(db)));
  } else if (isRollback) {
    const names = await rollback(db);
    print(names.length === 0 ? 'Nothing to take back.' : names.map((name) => `Taken back: ${name}`).join('\n'));
    await warnOfTriggers(db);
  } else {
    const names = await migrateLatest(db);
    print(
      names.length === 0 ? 'The outbox tables are up to date.' : names.map((name) => `Migrated: ${name}`).join('\n'),
    );
  }
}

function tell({ done, due, unknown }: MigrationStatus): string {
  return [
    ...done.map((name) => `${unknown.includes(name) ? 'newer than this program' : 'done'}  ${name}`),
    ...due.map((name) => `due   ${name}`),
  ].join('\n');
}

/** A trigger without its table harms no statement of the application, and yet costs it a little each time. */
async function warnOfTriggers(db: Db): Promise<void> {
  const [[row]] = await db.raw(
    `SELECT COUNT(*) AS trigger_count FROM information_schema.TRIGGERS
     WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE 'hubspot\\_%'`,
  );
  const count = Number(row.trigger_count);
  if (count === 0) return;
  process.stderr.write(
    `Warning: ${count === 1 ? '1 trigger still stands' : `${count} triggers still stand`}, and what is noted nobody keeps now\nTry: hubspot-outbox triggers drop\n`,
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
