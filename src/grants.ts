import { readVersion } from './capture/installed.ts';
import { needsOf } from './capture/needs.ts';
import type { Mapping } from './config/mapping.ts';
import type { Db } from './database/connect.ts';
import { type GrantedTable, type GrantingServer, type Grants, grantsFor } from './database/grants.ts';

export type Granted = Grants & {
  database: string;
  /** What no grant gives, or what could not be found out, as sentences. */
  notes: string[];
};

/** The least rights of the two accounts for a mapping; `account` is the worker's, the migrating one is called `…_admin`. */
export async function grantsOf(db: Db, mapping: Mapping, names: { account: string; host: string }): Promise<Granted> {
  const [[{ name: database }]] = await db.raw('SELECT DATABASE() AS name');
  const { server, notes } = await askServer(db);
  const { watched, read, functions, unread } = await needsOf(db, mapping);
  return {
    database,
    ...grantsFor({ ...names, database, watched, read, functions, server }),
    notes: [...notes, ...unread, ...(await unseen(db, [...watched, ...read]))],
  };
}

/** Who the server is, and what it asks for that no grant gives. */
async function askServer(db: Db): Promise<{ server: GrantingServer; notes: string[] }> {
  const { isMariaDb, number: version } = await readVersion(db);
  const [rows] = await db.raw(
    "SHOW VARIABLES WHERE Variable_name IN ('partial_revokes', 'log_bin', 'log_bin_trust_function_creators')",
  );
  const isOn = (name: string) =>
    (rows as { Variable_name: string; Value: string }[]).some(
      (row) => row.Variable_name === name && row.Value === 'ON',
    );
  const asksForTrust = isOn('log_bin') && !isOn('log_bin_trust_function_creators');
  return {
    server: { isMariaDb, version, hasPartialRevokes: isOn('partial_revokes') },
    notes: asksForTrust
      ? ['the server writes a binary log: triggers apply needs SET GLOBAL log_bin_trust_function_creators = 1']
      : [],
  };
}

/** Granting on a table that is not there fails; perhaps it only cannot be seen from here. */
async function unseen(db: Db, tables: readonly GrantedTable[]): Promise<string[]> {
  const [rows] = await db.raw(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
  );
  const seen = (rows as { name: string }[]).map(({ name }) => name);
  return tables
    .filter(({ name, database }) => database === undefined && !seen.includes(name))
    .map(({ name }) => `there is no table ${name} in the database, or this account may not see it`);
}
