import { explainStatement, isDenied } from '../database/refusals.ts';
import { ConfigurationError, OutboxError } from '../errors.ts';
import { plain } from './table.ts';

/**
 * Prints what went wrong to standard error, `Error:` what, where and got what, then `Try:`, and returns the exit code.
 * Anything that is not ours is a bug or lost infrastructure; its stack is shown with LOG_LEVEL=debug.
 */
export function printError(thrown: unknown, out = (text: string) => process.stderr.write(text)): 1 | 2 {
  // A message may name an id or a table as somebody's data has it.
  const write = (text: string) => out(text.split('\n').map(plain).join('\n'));
  const error = thrown instanceof OutboxError ? thrown : explainStatement(thrown);
  if (error === null) {
    write(`Error: ${stackOf(thrown) ?? (thrown instanceof Error ? thrown.message : String(thrown))}\n`);
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
  const stack = error === thrown ? undefined : stackOf(thrown);
  if (stack !== undefined) write(`${stack}\n`);
  // Whoever met it: rights are granted, and then the same command works.
  return isDenied(error.cause) ? 2 : error.exitCode;
}

function stackOf(error: unknown): string | undefined {
  return process.env.LOG_LEVEL === 'debug' && error instanceof Error ? error.stack : undefined;
}

function indent(text: string, by: string): string {
  return text.replace(/^/gm, by);
}
