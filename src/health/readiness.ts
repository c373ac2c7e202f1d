import type { Db } from '../database/connect.ts';
import { migrationStatus } from '../database/migrate.ts';

const LIMIT_MS = 2_000;

/**
 * Whether the database is reached and its outbox is that of this program: null, or what is missing. Answers within two
 * seconds whatever the database does; whoever asks meanwhile gets the same answer.
 */
export function createReadiness(db: Db): () => Promise<string | null> {
  /** The migrations in the books when they were all there. */
  let complete: string | null = null;
  let asking: Promise<string | null> | null = null;

  async function ask(): Promise<string | null> {
    const books = await readBooks(db);
    if (books !== null && books === complete) return null;
    const { done, due, unknown } = await migrationStatus(db);
    complete = null;
    if (unknown.length > 0) return `the outbox tables are newer than this program: ${unknown.join(', ')}`;
    if (due.length > 0) return `the outbox tables are not migrated: ${due.join(', ')} is missing`;
    complete = done.join(' ');
    return null;
  }

  return () => {
    asking ??= within(LIMIT_MS, ask())
      .catch(
        (error: { code?: string }) => `the database does not answer as it should: ${error.code ?? 'no connection'}`,
      )
      .finally(() => {
        asking = null;
      });
    return asking;
  };
}

/** Asked first, since this statement ends in time. Null when there are no books. */
async function readBooks(db: Db): Promise<string | null> {
  try {
    const [rows] = await db.raw('SELECT name FROM hubspot_migration ORDER BY id').timeout(LIMIT_MS);
    return (rows as { name: string }[]).map(({ name }) => name).join(' ');
  } catch (error) {
    if ((error as { code?: string }).code === 'ER_NO_SUCH_TABLE') return null;
    throw error;
  }
}

async function within(limitMs: number, work: Promise<string | null>): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`the database does not answer within ${limitMs} ms`), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
