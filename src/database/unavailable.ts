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

// https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html: read-only, disk full, table full.
const NO_WRITES = [1290, 1836, 1021, 1114];
// As well: shutdown, too many connections, killed, a write that failed, lock wait, deadlock.
const NUMBERS = [...NO_WRITES, 1053, 1040, 1203, 1317, 1927, 3100, 1026, 1205, 1213, 4031];
const NO_SUCH_TABLE = 1146;

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

/** Whether an error of a statement on the outbox's tables says that nothing can be written there, a mark neither. */
export function takesNoWrites(error: unknown): boolean {
  return [...NO_WRITES, NO_SUCH_TABLE].includes((error as { errno?: number } | null)?.errno ?? 0);
}
