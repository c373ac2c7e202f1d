import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './servers/private.ts';

export type TestRedis = { url: string; start(): Promise<void>; kill(): Promise<void>; close(): Promise<void> };

/** A Redis server of one test's own, that can go and come back. */
export async function startRedis(): Promise<TestRedis> {
  const program = process.env.TEST_REDIS_SERVER;
  if (!program)
    throw new Error('no redis-server at hand: apt-get install redis-server, or run npm test as root on Debian');
  const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const redis = {
    url: `redis://127.0.0.1:${port}`,
    start: async () => {
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
      const started = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      child = started;
      for await (const text of started.stdout) if (String(text).includes('Ready to accept connections')) break;
    },
    kill: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    close: async () => {
      await redis.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await redis.start();
  return redis;
}
