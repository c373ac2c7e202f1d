import { type Logger, pino } from 'pino';

export type Log = Logger;

/** JSON lines on standard output: constant messages, facts as fields, never a token, a property value or an e-mail. */
export function createLog(level: string, workerId?: string): Log {
  return pino({
    level,
    base: workerId === undefined ? null : { worker: workerId },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
