import { expect } from 'vitest';
import { type Finished, runProgram } from '../support/program.ts';
import { shopMapping } from '../support/shop.ts';

/** Texts that no output may hold: passwords and tokens. */
export const SECRETS = ['s3cr3t', 'pat-secret'];

/** A command with the shop's mapping, a token that must never be seen, and no HubSpot to call. */
export function runWithoutHubspot(url: string, command: string, folder: string): Promise<Finished> {
  const env = { DATABASE_URL: url, HUBSPOT_ACCESS_TOKEN: 'pat-secret', HUBSPOT_BASE_URL: 'http://127.0.0.1:1' };
  return runProgram(['--config', shopMapping, ...command.split(' ')], env, folder);
}

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
