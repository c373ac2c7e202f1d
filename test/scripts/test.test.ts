import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('npm test fails with the way out where no database server can be had, and runs nothing', async () => {
  const script = fileURLToPath(new URL('../../scripts/test.ts', import.meta.url));
  // As on a machine without Docker and without the one kind of server that is asked for.
  const child = spawn(process.execPath, [script, '--server', 'no-such-kind'], {
    env: { ...process.env, DOCKER_HOST: 'tcp://127.0.0.1:1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(err).toMatch(/^Error: no database server can be had.*\nTry: .*(mariadb|Docker).*\n$/);
  expect(out).not.toMatch(/ passed/);
});
