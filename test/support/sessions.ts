import { setTimeout as delay } from 'node:timers/promises';

type Session = { Id: number | string; User: string; db: string | null; State: string | null };
type Query = (sql: string) => Promise<unknown>;

/**
 * The sessions on the database that is asked. Not of information_schema: there MySQL 9.7 fails on anybody's statement
 * that holds four-byte characters.
 */
export async function sessionsHere(query: Query): Promise<Session[]> {
  const [[here]] = (await query('SELECT DATABASE() AS name')) as [[{ name: string }]];
  const [sessions] = (await query('SHOW PROCESSLIST')) as [Session[]];
  return sessions.filter(({ db }) => db === here.name);
}

/** Whether a statement waits for a table of the database that is asked. */
export async function isWaitingForTable(query: Query): Promise<boolean> {
  const sessions = await sessionsHere(query);
  return sessions.some(({ State }) => State?.startsWith('Waiting for table') === true);
}

/** Whether a transaction of the database that is asked stands before a row that somebody else holds. */
export async function isWaitingForRow(query: Query): Promise<boolean> {
  // What it shows is as old as the latest look, unless nobody has looked for 0.1 s.
  await delay(150);
  const [waiting] = (await query(
    "SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'",
  )) as [{ id: unknown }[]];
  const here = await sessionsHere(query);
  return here.some(({ Id }) => waiting.some(({ id }) => String(id) === String(Id)));
}
