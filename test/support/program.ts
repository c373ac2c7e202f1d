import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The program: as scripts/test.ts has bundled it, else from its sources. */
export const programFile = process.env.TEST_PROGRAM ?? fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export type Finished = { code: number | null; out: string; err: string };

export type Started = { child: ChildProcess; out(): string; err(): string; finished: Promise<Finished> };

/** Starts the program with just these variables: nothing of the developer's own environment. */
export function startProgram(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Started {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [programFile, ...args], {
    // Any free port: several workers run at a time.
    env: { PATH, HOME, NODE_COMPILE_CACHE, HTTP_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let out = '';
  let err = '';
  child.stdout?.on('data', (text) => (out += text));
  child.stderr?.on('data', (text) => (err += text));
  const finished = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  return { child, out: () => out, err: () => err, finished };
}

/** Runs the program to its end. */
export function runProgram(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Promise<Finished> {
  return startProgram(args, env, cwd).finished;
}

/** Asks again and again until it holds; a test that waits for ever is ended by its own time limit. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}
