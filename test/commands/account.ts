import { randomBytes } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import type { TestDatabase } from '../support/database.ts';

export type Account = {
  /** For the program, with the database's name. */
  url: string;
  /** `SELECT` on all tables, or on the one that is named. */
  grant(rights: string, table?: string): Promise<void>;
  drop(): Promise<void>;
};

const PASSWORD = 's3cr3t@/#';

/** An account without any right. Some servers know anonymous users of localhost, so it has that host too. */
export async function createAccount(admin: Connection, { url, name }: TestDatabase): Promise<Account> {
  const user = `u_${randomBytes(5).toString('hex')}`;
  const accounts = ['%', 'localhost'].map((host) => `'${user}'@'${host}'`);
  for (const account of accounts) await admin.query(`CREATE USER ${account} IDENTIFIED BY '${PASSWORD}'`);
  const own = new URL(url);
  own.username = user;
  own.password = encodeURIComponent(PASSWORD);
  return {
    url: own.href,
    grant: async (rights, table = '*') => {
      for (const account of accounts) await admin.query(`GRANT ${rights} ON ${name}.${table} TO ${account}`);
    },
    drop: async () => {
      for (const account of accounts) await admin.query(`DROP USER ${account}`);
    },
  };
}
