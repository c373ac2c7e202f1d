import { randomBytes } from 'node:crypto';
import mysql, { type Connection } from 'mysql2/promise';

export type TestDatabase = {
  /** With the database's name, for the program. */
  url: string;
  name: string;
  /** `mariadb-10.11`, `mysql-9.7`, … */
  kind: string;
  drop(): Promise<void>;
};

let own: { kind: string; adminUrl: string } | null = null;

/** For a test file that does to its server what nobody else on it would survive; null when it is done. */
export function useOwnServer(server: { kind: string; adminUrl: string } | null): void {
  own = server;
}

/** The server this test file runs on; scripts/test.ts says which. */
export function server(): { kind: string; adminUrl: string } {
  if (own !== null) return own;
  const { TEST_SERVER_KIND: kind, TEST_SERVER_URL: adminUrl } = process.env;
  if (kind === undefined || adminUrl === undefined) throw new Error('no server to test on: run npm test -- FILE');
  return { kind, adminUrl };
}

/** A fresh and empty database. */
export async function testDatabase(): Promise<TestDatabase> {
  const { kind, adminUrl } = server();
  const name = `t_${randomBytes(6).toString('hex')}`;
  await withAdmin((connection) => connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`));
  return {
    url: `${adminUrl}/${name}`,
    name,
    kind,
    drop: () => withAdmin(async (connection) => void (await connection.query(`DROP DATABASE ${name}`))),
  };
}

/** The application's own connection to a database; several statements at a time. */
export async function connectAsApplication({ url }: { url: string }): Promise<Connection> {
  return mysql.createConnection({ uri: url, multipleStatements: true, dateStrings: true, charset: 'utf8mb4' });
}

async function withAdmin<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await mysql.createConnection({ uri: server().adminUrl, multipleStatements: true });
  try {
    return await work(connection);
  } finally {
    await connection.end();
  }
}
