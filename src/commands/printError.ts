import { ConfigurationError, OutboxError } from '../errors.ts';

/**
 * Prints what went wrong to standard error, `Error:` what, where and got what, then `Try:`, and returns the exit code.
 * Anything that is not ours is a bug or lost infrastructure; its stack is shown with LOG_LEVEL=debug.
 */
export function printError(error: unknown, write = (text: string) => process.stderr.write(text)): 1 | 2 {
  if (!(error instanceof OutboxError)) {
    write(`Error: ${describe(error)}\n`);
    return 1;
  }
  write(`Error: ${error.message}\n`);
  if (error instanceof ConfigurationError) {
    for (const { where, message, fix } of error.problems) {
      write(`  ${where}: ${message}\n`);
      if (fix !== undefined) write(`${indent(fix, '    ')}\n`);
    }
  }
  if (error.remedy !== undefined) write(`Try: ${error.remedy}\n`);
  return error.exitCode;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return process.env.LOG_LEVEL === 'debug' && error.stack !== undefined ? error.stack : error.message;
}

function indent(text: string, by: string): string {
  return text.replace(/^/gm, by);
}
