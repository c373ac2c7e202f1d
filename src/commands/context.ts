import type { Command } from 'commander';
import type { Environment } from '../config/environment.ts';
import type { Mapping } from '../config/mapping.ts';
import type { Db } from '../database/connect.ts';

export type Context = {
  db: Db;
  mapping: Mapping;
  environment: Environment;
  close(): Promise<void>;
};

type Needs = {
  /** The outbox tables must stand in the version of this program. */
  migrated?: boolean;
};

/**
 * What nearly every command starts from: the environment, the mapping and the database, in that order, so that the
 * cheapest mistake is told first. Whoever opens it closes it.
 */
export async function openContext(program: Command, needs: Needs = {}): Promise<Context> {
  const [{ readEnvironment }, { readMapping }] = await Promise.all([
    import('../config/environment.ts'),
    import('../config/readMapping.ts'),
  ]);
  const mapping = readMapping(configFile(program));
  const { db, environment, close } = await openDatabase(readEnvironment(), needs);
  return { db, mapping, environment, close };
}

/** The database alone, for commands that work on the outbox whatever the mapping says. */
export async function openDatabase(
  environment: Environment,
  { migrated = true }: Needs = {},
): Promise<Omit<Context, 'mapping'>> {
  const { connect } = await import('../database/connect.ts');
  const db = await connect(environment.databaseUrl);
  const close = () => db.destroy();
  try {
    if (migrated) await (await import('../database/migrate.ts')).requireMigrated(db);
  } catch (error) {
    await close();
    throw error;
  }
  return { db, environment, close };
}

export function configFile(program: Command): string {
  return program.opts<{ config: string }>().config;
}
