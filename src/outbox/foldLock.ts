import type { Knex } from 'knex';
import type { Db } from '../database/connect.ts';
import { insist } from '../database/transact.ts';

/** The lock's name, as SQL: one for each database of a server. */
export const FOLD_LOCK = "CONCAT('hubspot_fold_', CRC32(DATABASE()))";

/**
 * Runs `work` in a transaction while no other worker folds; null, and nothing done, while one does. Two that fold the
 * same marks would do no harm, only double work. The lock is the connection's, so it goes with a worker that dies, and
 * is kept until the transaction is through: whoever comes next reads no mark that is folded already.
 */
export async function whileFolding<T>(db: Db, work: (trx: Knex.Transaction) => Promise<T>): Promise<T | null> {
  const connection: unknown = await db.client.acquireConnection();
  try {
    const [[lock]] = await db
      .raw(`SELECT ${FOLD_LOCK} AS name, GET_LOCK(${FOLD_LOCK}, 0) AS taken`)
      .connection(connection);
    if (String(lock.taken) !== '1') return null;
    try {
      return await insist(() => db.transaction(work, { connection }));
    } finally {
      // A connection that is lost has lost its lock too.
      await db
        .raw('SELECT RELEASE_LOCK(?)', [lock.name])
        .connection(connection)
        .catch(() => {});
    }
  } finally {
    await db.client.releaseConnection(connection);
  }
}
