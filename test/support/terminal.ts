import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Finished } from './program.ts';

/** A program on a terminal of its own, which `script` of every Debian makes. */
export type OnTerminal = {
  /** What stands on the terminal: all that was written, with what moves the cursor and colours. */
  shown(): string;
  /** Types, as a user would; `\x03` is Ctrl-C. */
  type(keys: string): void;
  finished: Promise<Finished>;
  /** Takes the terminal away, whatever still runs on it. */
  close(): void;
};

export function startOnTerminal(args: readonly string[], env: Record<string, string> = {}): OnTerminal {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const command = [process.execPath, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { PATH, HOME, NODE_COMPILE_CACHE, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  const finished = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  const close = () => void child.kill('SIGKILL');
  return { shown: () => out, type: (keys) => void child.stdin.write(keys), finished, close };
}
