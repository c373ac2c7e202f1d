import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Db } from './connect.ts';

const DEADLOCK = 1213;
const LOCK_WAIT_TIMEOUT = 1205;
const ATTEMPTS = 8;

/**
 * Runs `work` in a transaction, again when it lost a deadlock or a wait for a lock against another worker: its
 * statements are undone then, and the other's are done.
 */
export async function transact<T>(db: Db, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  return insist(() => db.transaction(work));
}

/** Runs one statement that is its own transaction, with the same patience. */
export async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !isLostLock(error)) throw error;
      await delay(Math.random() * 20 * attempt);
    }
  }
}

function isLostLock(error: unknown): boolean {
  const { errno } = error as { errno?: number };
  return errno === DEADLOCK || errno === LOCK_WAIT_TIMEOUT;
}
