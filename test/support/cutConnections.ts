import type { Connection } from 'mysql2/promise';
import { sessionsHere } from './sessions.ts';

/** Ends all connections of an account to the database of `by`, which is somebody else's; says how many. */
export async function cutConnections(accountUrl: string, by: Connection): Promise<number> {
  const { username } = new URL(accountUrl);
  const sessions = await sessionsHere((sql) => by.query(sql));
  const its = sessions.filter(({ User }) => User === username);
  for (const { Id } of its) await by.query(`KILL ${Id}`).catch(() => {});
  return its.length;
}
