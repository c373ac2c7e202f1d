import { expect } from 'vitest';
import type { Finished } from '../support/program.ts';

/** Texts that no output may hold: passwords and tokens. */
export const SECRETS = ['s3cr3t', 'pat-secret'];

/**
 * One error for bad input: on standard error, exit code 2, with these texts (the place, the remedy), without a
 * stack trace, without a secret.
 */
export function expectRefused({ code, out, err }: Finished, ...says: string[]): void {
  for (const text of says) expect(err).toContain(text);
  expect(err.match(/^Error: /gm), err).toHaveLength(1);
  expect(err).toMatch(/^Error: \S/);
  expect((err.match(/^Try: /gm) ?? []).length, err).toBeLessThanOrEqual(1);
  expect(err).not.toMatch(/^\s+at |node_modules|node:internal/m);
  for (const secret of SECRETS) expect(out + err).not.toContain(secret);
  // A worker may log that it ends; nothing that went wrong is said there.
  expect(out.split('\n').filter((line) => line !== '' && !line.startsWith('{"level":"info",'))).toEqual([]);
  expect(code, err).toBe(2);
}
