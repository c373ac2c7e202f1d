import { ConfigurationError, OutboxError } from '../errors.ts';

type Target = { place: string; user: string; database: string };

type Refusal = { says: (target: Target) => string; remedy: string };

const WRONG_PASSWORD: Refusal = {
  says: ({ place, user }) => `the database server at ${place} refuses user ${user}`,
  remedy: 'check user and password of DATABASE_URL; special characters in the password are percent-encoded',
};

const SILENT: Refusal = {
  says: ({ place }) => `the database server at ${place} does not answer`,
  remedy: 'check host and port of DATABASE_URL, and the firewalls on the way',
};

const HANGS_UP: Refusal = {
  says: ({ place }) => `what answers at ${place} hangs up, as no database server does`,
  remedy: 'check host and port of DATABASE_URL, and what a proxy on the way leads to',
};

const OLD_TLS: Refusal = {
  says: ({ place }) => `the database server at ${place} speaks only a version of TLS that is broken, older than 1.2`,
  remedy: 'update the server or its TLS library, or take ssl-mode out of DATABASE_URL where the network is trusted',
};

/** Why no connection comes about, by the driver's code. */
const REFUSALS: Record<string, Refusal> = {
  ECONNREFUSED: {
    says: ({ place }) => `no database server answers at ${place}`,
    remedy: 'check host and port of DATABASE_URL, and that the server listens there',
  },
  ENOTFOUND: {
    says: ({ place }) => `the host of ${place} is not known`,
    remedy: 'check the host in DATABASE_URL',
  },
  EAI_AGAIN: {
    says: ({ place }) => `the host of ${place} cannot be looked up`,
    remedy: 'check the host in DATABASE_URL, and that names can be looked up here',
  },
  ETIMEDOUT: SILENT,
  EHOSTUNREACH: SILENT,
  ENETUNREACH: SILENT,
  PROTOCOL_CONNECTION_LOST: HANGS_UP,
  ECONNRESET: HANGS_UP,
  EPIPE: HANGS_UP,
  ER_ACCESS_DENIED_ERROR: WRONG_PASSWORD,
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: WRONG_PASSWORD,
  ER_DBACCESS_DENIED_ERROR: {
    says: ({ user, database }) => `user ${user} has no rights on database ${database}`,
    remedy: 'grant them; the README lists the least rights as GRANT statements',
  },
  ER_BAD_DB_ERROR: {
    says: ({ place, database }) => `there is no database ${database} at ${place}`,
    remedy: 'check the name at the end of DATABASE_URL',
  },
  HANDSHAKE_NO_SSL_SUPPORT: {
    says: ({ place }) => `the database server at ${place} offers no TLS, and ssl-mode requires it`,
    remedy: 'enable TLS on the server, or take ssl-mode out of DATABASE_URL',
  },
  HANDSHAKE_SSL_ERROR: {
    says: ({ place }) => `the TLS certificate of ${place} is not trusted`,
    remedy: "give the server's CA with ssl-ca=FILE in DATABASE_URL",
  },
};

export function explainConnection(error: unknown, target: Target): Error {
  if (error instanceof ConfigurationError) return error;
  const { code = '', message } = error as { code?: string; message: string };
  const isOldTls = code === 'HANDSHAKE_SSL_ERROR' && /version|protocol/i.test(message);
  const refusal = isOldTls ? OLD_TLS : REFUSALS[code];
  return new ConfigurationError(refusal?.says(target) ?? `cannot connect to ${target.place}: ${message}`, {
    code: 'DATABASE',
    cause: error,
    ...(refusal === undefined ? {} : { remedy: refusal.remedy }),
  });
}

// Numbers of https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html; MariaDB has the same.
const DENIED = [1044, 1142, 1143, 1227, 1370];
const READ_ONLY = [1290, 1792, 1836];
/** Messages about tables, columns and functions; those about rows quote values, and are not told. */
const ABOUT_NAMES = [1051, 1054, 1146, 1305, 1356, 1449];
const MISSING = [1146, 1356];
const LOST = ['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ER_SERVER_SHUTDOWN'];

type DriverError = { code?: string; errno?: number; sqlMessage?: string; sqlState?: string };

/** A right is missing. */
export function isDenied(error: unknown): boolean {
  return DENIED.includes((error as DriverError | null)?.errno ?? 0);
}

/** A statement failed on what a row holds (SQLSTATE: cardinality violation, data exception), and may not on others. */
export function isAboutRows(error: unknown): boolean {
  return /^2[12]/.test((error as DriverError | null)?.sqlState ?? '');
}

/** What the server says, without the statement around it, which may hold values. */
export function sqlMessageOf(error: unknown): string {
  const { sqlMessage, code = 'unknown error' } = error as DriverError;
  return sqlMessage ?? code;
}

/** As much of what the server says as quotes no value of a row: all of it about names and rights, else its code. */
export function tellable(error: unknown): string {
  const { sqlMessage, code = 'database error', errno = 0 } = error as DriverError;
  return sqlMessage !== undefined && (isDenied(error) || ABOUT_NAMES.includes(errno))
    ? sqlMessage
    : `${code} (${errno})`;
}

/** An error of whatever kind, for the log. A driver's message may quote the statement with its values: only its code is told. */
export function describe(error: unknown): string {
  const { code, errno, message, sql } = error as { code?: string; errno?: number; message?: string; sql?: string };
  if (errno !== undefined) return `${code ?? 'database error'} (${errno})`;
  return code ?? (sql === undefined ? String(message ?? error) : 'database error');
}

/** What went wrong with a statement, for people: no SQL, no value of a row. Null when it is no error of the database. */
export function explainStatement(error: unknown): OutboxError | null {
  if (!(error instanceof Error)) return null;
  const { code = '', errno = 0, sqlState } = error as DriverError;
  if (isDenied(error)) {
    return new ConfigurationError(`the database user lacks a right: ${sqlMessageOf(error)}`, {
      code: 'NO_RIGHTS',
      remedy: 'grant it; the README lists the least rights as GRANT statements',
      cause: error,
    });
  }
  if (MISSING.includes(errno) && sqlMessageOf(error).includes('hubspot_')) {
    return new ConfigurationError(`a part of the outbox is missing, although it was migrated: ${sqlMessageOf(error)}`, {
      code: 'OUTBOX_DAMAGED',
      remedy: 'restore it from a backup, or make all of it anew: migrate --rollback, migrate, triggers apply, backfill',
      cause: error,
    });
  }
  if (READ_ONLY.includes(errno) && sqlState !== undefined) {
    return new ConfigurationError(`the database server takes no writes: ${sqlMessageOf(error)}`, {
      code: 'READ_ONLY',
      remedy: 'name the primary server in DATABASE_URL, not a replica',
      cause: error,
    });
  }
  if (LOST.includes(code)) {
    return new OutboxError(`the connection to the database was lost (${code})`, {
      code: 'DATABASE_LOST',
      remedy: 'the same command again, once the server is back; what was done stays done',
      cause: error,
    });
  }
  if (sqlState === undefined) return null;
  const told = ABOUT_NAMES.includes(errno) ? `: ${sqlMessageOf(error)}` : '';
  return new OutboxError(`the database refuses a statement${told} (${code} ${errno})`, {
    code: 'DATABASE_STATEMENT',
    cause: error,
  });
}
