// Errors of a server that is away, goes away, or takes no writes for now: none of them is about the statement.
const CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'PROTOCOL_ENQUEUE_AFTER_QUIT',
];

// https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html: shutdown, too many connections, killed,
// read-only, disk full, table full, lock wait, deadlock.
const NUMBERS = [1053, 1040, 1203, 1317, 1927, 1290, 1836, 3100, 1021, 1026, 1114, 1205, 1213, 4031];

/** The driver's words, which have no code, when a connection ended between two statements. */
const CLOSED = /connection is in closed state/;

/** Whether the same statement may well succeed a little later. */
export function isUnavailable(error: unknown): boolean {
  const {
    code = '',
    errno = 0,
    name = '',
    message = '',
  } = (error ?? {}) as { code?: string; errno?: number; name?: string; message?: string };
  return CODES.includes(code) || NUMBERS.includes(errno) || name === 'KnexTimeoutError' || CLOSED.test(String(message));
}

// Read-only, disk full, table full, no such table: a mark cannot be appended either.
const NO_WRITES = [1290, 1836, 1021, 1114, 1146];

/** Whether an error of a statement on the outbox's tables says that nothing could be written there. */
export function takesNoWrites(error: unknown): boolean {
  return NO_WRITES.includes((error as { errno?: number } | null)?.errno ?? 0);
}
