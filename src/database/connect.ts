import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import knex, { type Knex } from 'knex';
import { ConfigurationError } from '../errors.ts';
import { explainConnection } from './refusals.ts';

export type Db = Knex;
export type Trx = Knex | Knex.Transaction;

const POOL_MAX = 8;

type Driver = { query(sql: string, done: (error: Error | null) => void): void };

// READ COMMITTED, so that our statements take no gap locks; UTC, so that every time in the outbox is; a short
// wait_timeout, so that the server ends the transaction of a worker that froze in the middle of one. MariaDB keeps what a
// correlated subquery gave by the collation of the outer column, and so gives `B` what it found for `b`.
const SESSION = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 10, wait_timeout = 120 /*M!, optimizer_switch = 'subquery_cache=off' */",
];

/**
 * A pool of connections to the application's database, tried once before it is handed out.
 * @throws ConfigurationError when the server is not reached, refuses us, or cannot take what we write
 */
export async function connect(databaseUrl: string): Promise<Db> {
  try {
    return await open(connectionOf(databaseUrl));
  } catch (error) {
    if (isWithoutTls(error) && tlsMode(new URL(databaseUrl)) === 'PREFERRED') {
      return connect(withTlsMode(databaseUrl, 'DISABLED'));
    }
    const { host, port, user, database } = connectionOf(databaseUrl);
    throw explainConnection(error, { place: `${host}:${port}`, user, database });
  }
}

async function open(connection: ReturnType<typeof connectionOf>): Promise<Db> {
  const db = knex({
    client: 'mysql2',
    connection,
    pool: poolOf(POOL_MAX),
    acquireConnectionTimeout: 15_000,
    // knex prints connection errors by itself, with their stacks; whoever calls us tells them once.
    log: { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} },
  });
  try {
    await refuseStatementBinlog(db);
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** A pool of its own to where `db` leads. It is not tried: `db` was, and what is away for a moment now comes back. */
export function poolBeside(db: Db, poolMax: number): Db {
  return knex({ ...db.client.config, pool: poolOf(poolMax) });
}

function poolOf(max: number): Knex.PoolConfig {
  return { min: 0, max, afterCreate: prepareSession };
}

/** What mysql2 takes, of a URL; TLS by `ssl-mode` and `ssl-ca`. */
export function connectionOf(databaseUrl: string) {
  const url = new URL(databaseUrl);
  const ssl = tlsOf(url);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decode(url.username, 'the user'),
    password: decode(url.password, 'the password'),
    database: decode(url.pathname.slice(1), 'the database'),
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    connectTimeout: 10_000,
    // A server that vanished without a word (a failover, a firewall that forgot) is noticed within a minute, not hours.
    keepAliveInitialDelay: 30_000,
    ...(ssl === null ? {} : { ssl }),
  };
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new ConfigurationError(`DATABASE_URL: ${part} holds a % that begins no percent-encoded character`, {
      code: 'DATABASE_URL',
      remedy: 'write % as %25',
      cause,
    });
  }
}

const TLS_MODES = ['DISABLED', 'PREFERRED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'];

function tlsMode(url: URL): string {
  const mode = (url.searchParams.get('ssl-mode') ?? 'DISABLED').toUpperCase();
  if (TLS_MODES.includes(mode)) return mode;
  throw new ConfigurationError(`DATABASE_URL: ssl-mode is ${mode}, expected one of ${TLS_MODES.join(', ')}`, {
    code: 'DATABASE_TLS',
    remedy: 'write one of them after ssl-mode= in DATABASE_URL, or take ssl-mode out',
  });
}

function withTlsMode(databaseUrl: string, mode: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set('ssl-mode', mode);
  return url.href;
}

function tlsOf(url: URL) {
  const mode = tlsMode(url);
  if (mode === 'DISABLED') return null;
  const isVerified = mode.startsWith('VERIFY');
  // The driver compares a certificate only with a name.
  if (mode === 'VERIFY_IDENTITY' && isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) {
    throw new ConfigurationError(
      `DATABASE_URL: ssl-mode=VERIFY_IDENTITY cannot be had for the address ${url.hostname}`,
      {
        code: 'DATABASE_TLS',
        remedy: 'name the host as its certificate does, or take ssl-mode=VERIFY_CA',
      },
    );
  }
  const file = url.searchParams.get('ssl-ca');
  const ca = file === null ? {} : { ca: readCa(file) };
  return { rejectUnauthorized: isVerified, verifyIdentity: mode === 'VERIFY_IDENTITY', ...ca };
}

function isWithoutTls(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return code === 'HANDSHAKE_NO_SSL_SUPPORT' || code === 'HANDSHAKE_SSL_ERROR';
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(`DATABASE_URL: cannot read ssl-ca ${file}: ${(cause as NodeJS.ErrnoException).code}`, {
      code: 'DATABASE_TLS',
      remedy: "write the path of a PEM file with the server's CA after ssl-ca=",
      cause,
    });
  }
}

function prepareSession(connection: Driver, done: (error: Error | null, connection: Driver) => void): void {
  const [first, second] = SESSION;
  connection.query(first ?? '', (error) => {
    if (error) done(error, connection);
    else connection.query(second ?? '', (secondError) => done(secondError, connection));
  });
}

/** Under READ COMMITTED a server that writes its binary log in STATEMENT format refuses every write (error 1665). */
async function refuseStatementBinlog(db: Db): Promise<void> {
  const [rows] = await db.raw("SHOW VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format')");
  const variables = new Map(
    (rows as { Variable_name: string; Value: string }[]).map((row) => [row.Variable_name, row.Value]),
  );
  if (variables.get('log_bin') !== 'ON' || variables.get('binlog_format') !== 'STATEMENT') return;
  throw new ConfigurationError('the server writes its binary log in STATEMENT format, which cannot hold our writes', {
    code: 'DATABASE_BINLOG',
    remedy: "SET GLOBAL binlog_format = 'MIXED' (safe for the application; also in the server's configuration file)",
  });
}
