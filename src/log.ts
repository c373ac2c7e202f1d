import { type Logger, pino } from 'pino';

export type Log = Logger;

/** JSON lines: constant messages, facts as fields, never a token, a property value or an e-mail. */
export function createLog(level: string, stream: NodeJS.WriteStream = process.stdout): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, stream);
}
