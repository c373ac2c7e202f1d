import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The program as it is packed: what users start has no types to strip. */
export type Build = {
  folder: string;
  file: string;
  /** Starts a program on our Node with just these variables. */
  start(file: string, args: readonly string[], env?: Record<string, string>): Running;
  /** Runs a program to its end; returns what it printed. */
  run(file: string, args: readonly string[], env?: Record<string, string>): Promise<string>;
  /** Ends what still runs, and takes the build away. */
  remove(): void;
};

const root = fileURLToPath(new URL('../../', import.meta.url));

/** @throws when the sources do not build */
export function buildProgram(): Build {
  const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-bench-'));
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { status, stdout } = spawnSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the program does not build\n${stdout}`);
  for (const part of ['bin', 'triggers', 'package.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const children = new Set<ChildProcess>();
  const startOne: Build['start'] = (file, args, env) => start(children, file, args, env);
  return {
    folder,
    file: join(folder, 'bin/hubspot-outbox.js'),
    start: startOne,
    run: async (file, args, env) => {
      const running = startOne(file, args, env);
      await running.ended;
      return running.out();
    },
    remove: () => {
      for (const child of children) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Running = {
  pid: number;
  child: ChildProcess;
  out(): string;
  /** Resolves with the exit code; rejects when it is not 0. */
  ended: Promise<void>;
  stop(): Promise<void>;
};

function start(
  children: Set<ChildProcess>,
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Running {
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  let out = '';
  let err = '';
  child.stdout?.on('data', (text) => (out += text));
  child.stderr?.on('data', (text) => (err += text));
  const ended = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err.slice(-2_000)}${out.slice(-2_000)}`);
  });
  // Whoever stops it hears of it; until then nobody waits.
  ended.catch(() => {});
  return {
    pid: child.pid ?? 0,
    child,
    out: () => out,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const TICKS_PER_S = 100;

/** Seconds of CPU a process has used, of user and system; NaN where there is no such process here. */
export function cpuSeconds(pid: number | undefined): number {
  const stat = pid === undefined ? null : readProc(pid, 'stat');
  if (stat === null) return Number.NaN;
  // The second field is the name in brackets, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** Resident memory of a process in MB: now, and the most it ever had. */
export function memoryMb(pid: number): { now: number; peak: number } {
  const status = readProc(pid, 'status') ?? '';
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
  return { now: field('VmRSS'), peak: field('VmHWM') };
}

function readProc(pid: number, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return null;
  }
}
