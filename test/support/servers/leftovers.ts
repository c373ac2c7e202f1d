import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './install.ts';

/** What a run started, so that the next one can clean up after a run that was killed. */
type Entry = { runner: number; pid: number; folder: string };

const BOOKS = join(CACHE, 'running');

export function rememberProcess(pid: number, folder: string): string {
  mkdirSync(BOOKS, { recursive: true });
  const file = join(BOOKS, `${process.pid}-${pid}.json`);
  writeFileSync(file, JSON.stringify({ runner: process.pid, pid, folder } satisfies Entry));
  return file;
}

export function forgetProcess(file: string): void {
  rmSync(file, { force: true });
}

/**
 * Ends servers whose runner is gone, or, at a runner's own end, its own too: only processes whose command line names the
 * very folder that was noted.
 */
export function removeLeftovers({ ownToo = false } = {}): void {
  mkdirSync(BOOKS, { recursive: true });
  for (const name of readdirSync(BOOKS)) {
    const file = join(BOOKS, name);
    const entry = readEntry(file);
    if (entry === null || (isAlive(entry.runner) && !(ownToo && entry.runner === process.pid))) continue;
    const { pid, folder } = entry;
    if (commandLine(pid).includes(folder.slice(-20))) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    forgetProcess(file);
  }
}

/** Null when another run, which cleans up at the same time, was quicker. */
function readEntry(file: string): Entry | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Entry;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  return commandLine(pid) !== '';
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
