import { ConfigurationError } from '../errors.ts';
import { quoteName } from '../keys.ts';

/** A table of the application; `database` where it is another one than the outbox's. */
export type GrantedTable = { name: string; database?: string };

export type Granting = {
  database: string;
  /** Name of the running account; the migrating one is called the same with `_admin` behind it. */
  account: string;
  host: string;
  /** Triggers stand on these. */
  watched: readonly GrantedTable[];
  /** Only read, by the `records` of watches written by hand. */
  read: readonly GrantedTable[];
  /** Stored functions that the queries call. */
  functions: readonly string[];
  server: GrantingServer;
};

export type GrantingServer = {
  isMariaDb: boolean;
  /** Major * 10,000 + minor * 100 + patch. */
  version: number;
  /** MySQL takes names of databases as they are then, and `_` and `%` as wildcards otherwise. */
  hasPartialRevokes: boolean;
};

export type AccountGrants = { account: string; statements: string[] };

export type Grants = {
  /** For `migrate` and `triggers`; the triggers go on running with its rights. */
  migrating: AccountGrants;
  /** For everything else. */
  running: AccountGrants;
};

type Rights = { migrating: string[]; running: string[] };

const DDL = ['CREATE', 'ALTER', 'DROP', 'INDEX'];
const READ = ['SELECT'];
const ADD = ['SELECT', 'INSERT', 'UPDATE'];
const ALL = [...ADD, 'DELETE'];

/**
 * Each table and view of the outbox, and what an account does to it. The triggers insert into `hubspot_mark` with the
 * migrating account's rights; a view is made by whoever may read what it shows, and shows no more than its reader may
 * see. CREATE also lets a right be granted before its table is there.
 */
const OUTBOX: Readonly<Record<string, Rights>> = {
  hubspot_migration: { migrating: [...ALL, 'CREATE', 'DROP'], running: READ },
  hubspot_migration_lock: { migrating: [...ALL, 'CREATE', 'DROP'], running: [] },
  hubspot_watch: { migrating: [...ADD, ...DDL], running: READ },
  hubspot_object: { migrating: [...ADD, ...DDL], running: ADD },
  hubspot_mark: { migrating: ['SELECT', 'INSERT', ...DDL], running: ['SELECT', 'UPDATE', 'DELETE'] },
  hubspot_data: { migrating: ['SELECT', ...DDL], running: ADD },
  hubspot_match: { migrating: DDL, running: ALL },
  hubspot_duplicate: { migrating: DDL, running: ALL },
  hubspot_doubt: { migrating: DDL, running: ALL },
  hubspot_calls: { migrating: DDL, running: ALL },
  hubspot_worker: { migrating: DDL, running: ALL },
  hubspot_poison: { migrating: ['CREATE', 'CREATE VIEW', 'DROP'], running: READ },
  hubspot_backlog: { migrating: ['CREATE', 'CREATE VIEW', 'DROP'], running: READ },
};

/** The least rights, as statements for an administrator. Pure. @throws ConfigurationError for a name no server takes */
export function grantsFor(granting: Granting): Grants {
  const { account, host, server, watched, read } = granting;
  const migrating = accountName(`${account}_admin`, host, server);
  const running = accountName(account, host, server);
  const functions = granting.functions.map((name) => `EXECUTE ON FUNCTION ${qualified(granting, { name })}`);
  const readOnly = read.filter((table) => !watched.some((each) => isSame(each, table)));
  return {
    migrating: {
      account: migrating,
      statements: [
        ...outboxRights(granting, 'migrating'),
        ...watched.map((table) => `SELECT, TRIGGER ON ${qualified(granting, table)}`),
        ...readOnly.map((table) => `SELECT ON ${qualified(granting, table)}`),
        ...functions,
        ...lockTables(granting),
      ].map((right) => `GRANT ${right} TO ${migrating}`),
    },
    running: {
      account: running,
      statements: [
        ...[...watched, ...readOnly].map((table) => `SELECT ON ${qualified(granting, table)}`),
        ...functions,
        ...outboxRights(granting, 'running'),
      ].map((right) => `GRANT ${right} TO ${running}`),
    },
  };
}

function outboxRights(granting: Granting, who: keyof Rights): string[] {
  return Object.entries(OUTBOX).flatMap(([name, rights]) =>
    rights[who].length === 0 ? [] : [`${rights[who].join(', ')} ON ${qualified(granting, { name })}`],
  );
}

/** MariaDB replaces a trigger in one statement. Elsewhere the table is locked meanwhile, a right of the whole database. */
function lockTables({ database, server }: Granting): string[] {
  if (server.isMariaDb) return [];
  const pattern = server.hasPartialRevokes ? database : database.replace(/[\\_%]/g, '\\$&');
  return [`LOCK TABLES ON ${quoteName(pattern)}.*`];
}

/** In front of a table no character is a wildcard. */
function qualified({ database }: Granting, table: GrantedTable): string {
  return `${quoteName(table.database ?? database)}.${quoteName(table.name)}`;
}

function isSame(a: GrantedTable, b: GrantedTable): boolean {
  return a.name === b.name && a.database === b.database;
}

function accountName(name: string, host: string, server: GrantingServer): string {
  const most = userCharacters(server);
  if ([...name].length > most) {
    throw new ConfigurationError(
      `the account ${name} has ${[...name].length} characters, and this server takes ${most}`,
      {
        code: 'ACCOUNT_NAME',
        remedy: `--account with ${most - '_admin'.length} characters at most`,
      },
    );
  }
  return `${literal(name, '--account')}@${literal(host, '--host')}`;
}

/** https://dev.mysql.com/doc/refman/9.7/en/user-names.html, https://mariadb.com/kb/en/create-user/ */
function userCharacters({ isMariaDb, version }: GrantingServer): number {
  if (isMariaDb) return 80;
  return version < 50_708 ? 16 : 32;
}

/** Whether a backslash means itself depends on the session that runs the statement, so none is let in. */
function literal(text: string, option: string): string {
  if (text === '' || /[\\\p{Cc}]/u.test(text)) {
    throw new ConfigurationError(`${option}: expected a name without backslashes and control characters`, {
      code: 'ACCOUNT_NAME',
      remedy: option === '--host' ? '--host 10.0.0.%' : '--account outbox',
    });
  }
  return `'${text.replaceAll("'", "''")}'`;
}
