import type { Knex } from 'knex';
import * as outbox from '../../migrations/20261127_outbox.ts';
import { ConfigurationError, OutboxError } from '../errors.ts';
import type { Db } from './connect.ts';
import { isDenied, sqlMessageOf } from './refusals.ts';

type Step = { name: string; up(db: Knex): Promise<void>; down(db: Knex): Promise<void> };

/** Every migration, oldest first. Names stay: they stand in the books of databases out there. */
const STEPS: readonly Step[] = [{ name: '20261127_outbox', ...outbox }];

const config: Knex.MigratorConfig = {
  tableName: 'hubspot_migration',
  // MySQL commits DDL at once, so a transaction around it would promise what it cannot keep.
  disableTransactions: true,
  migrationSource: {
    getMigrations: async () => [...STEPS],
    getMigrationName: (step: Step) => step.name,
    getMigration: async (step: Step) => ({ up: (db: Knex) => step.up(db), down: (db: Knex) => step.down(db) }),
  },
};

export type MigrationStatus = {
  done: string[];
  due: string[];
  /** In the books of the database and unknown to this program: a newer one made them. */
  unknown: string[];
};

/** Which migrations the database has, which it lacks, and which a newer program made. Changes nothing. */
export async function migrationStatus(db: Db): Promise<MigrationStatus> {
  const known = STEPS.map(({ name }) => name);
  const done = (await db.schema.hasTable('hubspot_migration'))
    ? (await db('hubspot_migration').orderBy('id').select('name')).map((row: { name: string }) => row.name)
    : [];
  return {
    done,
    due: known.filter((name) => !done.includes(name)),
    unknown: done.filter((name) => !known.includes(name)),
  };
}

/**
 * Creates or updates the outbox tables; returns the names of what was done, none when all was.
 * @throws ConfigurationError when the database holds tables of a newer program or of somebody else, or rights are missing
 */
export async function migrateLatest(db: Db): Promise<string[]> {
  await refuseNewer(db);
  return alone(db, async () => {
    const isFirst = !(await db.schema.hasTable('hubspot_migration'));
    // Whoever may not drop a table could not take back what fails half-way: that is told before anything stands.
    if (isFirst) await dropBooks(db);
    try {
      const [, names] = (await db.migrate.latest(config)) as [number, string[]];
      return names;
    } catch (error) {
      if (isFirst) await dropBooks(db);
      throw error;
    }
  });
}

async function dropBooks(db: Db): Promise<void> {
  for (const table of ['hubspot_migration', 'hubspot_migration_lock']) await db.raw('DROP TABLE IF EXISTS ??', [table]);
}

/** Takes the latest step back; the tables it made go, with what stands in them. Returns the names of what was undone. */
export async function rollback(db: Db): Promise<string[]> {
  await refuseNewer(db);
  return alone(db, async () => {
    const [, names] = (await db.migrate.rollback(config)) as [number, string[]];
    return names;
  });
}

/** @throws ConfigurationError unless the outbox tables are just those of this program */
export async function requireMigrated(db: Db): Promise<void> {
  const { due, unknown } = await migrationStatus(db);
  if (unknown.length > 0) throw newer(unknown);
  if (due.length === 0) return;
  throw new ConfigurationError(`the outbox tables are not migrated: ${due.join(', ')} is missing`, {
    code: 'NOT_MIGRATED',
    remedy: 'hubspot-outbox migrate',
  });
}

async function refuseNewer(db: Db): Promise<void> {
  const { unknown } = await migrationStatus(db);
  if (unknown.length > 0) throw newer(unknown);
}

function newer(unknown: readonly string[]): ConfigurationError {
  return new ConfigurationError(
    `the outbox tables are newer than this program: it does not know ${unknown.join(', ')}`,
    {
      code: 'NEWER_TABLES',
      remedy: 'install the current version of hubspot-outbox',
    },
  );
}

const LOCK_WAIT_S = 10;

/**
 * One migration at a time. The server's lock ends with its connection, whatever becomes of us; knex's own stays in its
 * table when a process is killed, so once the server's is ours a lock found there is nobody's and is freed.
 */
async function alone<T>(db: Db, work: () => Promise<T>): Promise<T> {
  return db.transaction(async (connection) => {
    const [[row]] = await connection.raw(
      "SELECT CONCAT('hubspot_migrate_', CRC32(DATABASE())) AS name, GET_LOCK(CONCAT('hubspot_migrate_', CRC32(DATABASE())), ?) AS taken",
      [LOCK_WAIT_S],
    );
    if (String(row.taken) !== '1') {
      throw new OutboxError('another process is migrating the outbox tables', {
        code: 'MIGRATING',
        remedy: 'wait until it is through',
      });
    }
    try {
      await db.migrate.forceFreeMigrationsLock(config);
      return await work();
    } catch (error) {
      throw explain(error);
    } finally {
      await connection.raw('SELECT RELEASE_LOCK(?)', [row.name]);
    }
  });
}

function explain(error: unknown): unknown {
  if (!isDenied(error)) return error;
  return new ConfigurationError(`the database user may not do what a migration needs: ${sqlMessageOf(error)}`, {
    code: 'NO_RIGHTS',
    remedy:
      'grant SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, CREATE VIEW on the database, or migrate as a user who has them',
    cause: error,
  });
}
