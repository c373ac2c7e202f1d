import type { Connection } from 'mysql2/promise';

/** Ends all connections of an account to its database, as somebody else; says how many. */
export async function cutConnections(databaseUrl: string, by: Connection): Promise<number> {
  const { username, pathname } = new URL(databaseUrl);
  // Not from information_schema, whose table cannot hold every statement that runs.
  const [sessions] = await by.query('SHOW PROCESSLIST');
  const its = (sessions as { Id: number; User: string; db: string | null }[]).filter(
    ({ User, db }) => User === username && db === pathname.slice(1),
  );
  for (const { Id } of its) await by.query(`KILL ${Id}`).catch(() => {});
  return its.length;
}
