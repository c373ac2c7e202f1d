import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The file that users start, before a program that tells how it was started. */
const TELLS = `
  const { pid, argv, execArgv, env } = process;
  if (argv.includes('--stays')) process.on('SIGTERM', () => process.exit(7)) && setInterval(() => {}, 1_000);
  process.stdout.write(JSON.stringify({ pid, args: argv.slice(2), execArgv, arenas: env.MALLOC_ARENA_MAX ?? null }) + '\\n');
`;

describe('the worker', () => {
  let folder: string;
  let bin: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-bin-'));
    bin = join(folder, 'bin/hubspot-outbox.js');
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'dist/src'), { recursive: true });
    copyFileSync(fileURLToPath(new URL('../../bin/hubspot-outbox.js', import.meta.url)), bin);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'dist/src/cli.js'), TELLS);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const start = (nodeFlags: string[], args: string[], env = {}) => {
    const { stdout } = spawnSync(process.execPath, [...nodeFlags, bin, ...args], { encoding: 'utf8', env });
    return JSON.parse(stdout) as { args: string[]; execArgv: string[]; arenas: string | null };
  };

  it('starts with a heap that stays small, and with all it was given', () => {
    const { args, execArgv, arenas } = start(['--no-warnings'], ['--config', 'a b.yaml', 'run']);
    expect(args).toEqual(['--config', 'a b.yaml', 'run']);
    expect(execArgv).toEqual(['--no-warnings', '--max-semi-space-size=4', '--heap-growing-percent=20']);
    expect(arenas).toBe('2');
  });

  it('leaves to its user what its user has set', () => {
    expect(start([], ['run'], { MALLOC_ARENA_MAX: '8' }).arenas).toBe('8');
  });

  it('starts as it is for anything else', () => {
    expect(start([], ['status'])).toMatchObject({ args: ['status'], execArgv: [], arenas: null });
  });

  it('stays the process that was started: its id, its output, its signals', async () => {
    const child = spawn(process.execPath, [bin, 'run', '--stays'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(JSON.parse(String(line)).pid).toBe(child.pid);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(7);
  });
});
