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
