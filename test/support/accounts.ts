import { randomBytes } from 'node:crypto';
import mysql, { type Connection } from 'mysql2/promise';
import { readMapping } from '../../src/config/readMapping.ts';
import { connect } from '../../src/database/connect.ts';
import { type Granted, grantsOf } from '../../src/grants.ts';
import type { TestDatabase } from './database.ts';

/** Two accounts that may do just what `hubspot-outbox grants` prints for a mapping. */
export type Accounts = {
  granted: Granted;
  /** DATABASE_URL of the account that migrates and applies triggers. */
  migratingUrl: string;
  /** DATABASE_URL of the account of the worker. */
  runningUrl: string;
  password: string;
  /** Gives the running account its rights; the outbox tables must be there. */
  grantRunning(): Promise<void>;
  /** Runs SQL as the administrator. */
  admin(sql: string): Promise<void>;
  drop(): Promise<void>;
};

export async function createAccounts(database: TestDatabase, mapping: string): Promise<Accounts> {
  // MySQL 5.6 takes 16 characters, `_admin` among them.
  const name = `o${randomBytes(4).toString('hex')}`;
  // Characters that mean something in a URL and in SQL.
  const password = `p@s:w/${randomBytes(6).toString('hex')}%'`;
  const granted = await grantFor(database, mapping, name);
  const { migrating, running } = granted;
  const run = (statements: readonly string[]) =>
    withConnection(database.url, async (admin) => {
      for (const statement of statements) await admin.query(statement);
    });
  await run(
    [migrating, running].map(({ account }) => `CREATE USER ${account} IDENTIFIED BY ${mysql.escape(password)}`),
  );
  await run(migrating.statements);
  return {
    granted,
    migratingUrl: urlOf(database, `${name}_admin`, password),
    runningUrl: urlOf(database, name, password),
    password,
    grantRunning: () => run(running.statements),
    admin: (sql) => run([sql]),
    drop: () => run([`DROP USER ${migrating.account}`, `DROP USER ${running.account}`]),
  };
}

/** Without a start of the program for each shop: `commands/grants` and `security/grants` say what it prints. */
async function grantFor(database: TestDatabase, mapping: string, account: string): Promise<Granted> {
  const db = await connect(database.url);
  try {
    // The server's name for this machine: an account of another host may give way to an anonymous one of this.
    const [[{ host }]] = await db.raw("SELECT SUBSTRING_INDEX(USER(), '@', -1) AS host");
    return await grantsOf(db, readMapping(mapping), { account, host });
  } finally {
    await db.destroy();
  }
}

function urlOf(database: TestDatabase, user: string, password: string): string {
  const url = new URL(database.url);
  url.username = user;
  // A URL leaves some characters as they are that a password must not hold bare.
  url.password = encodeURIComponent(password);
  return url.href;
}

async function withConnection<T>(url: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await mysql.createConnection({ uri: url });
  try {
    return await work(connection);
  } finally {
    await connection.end();
  }
}
