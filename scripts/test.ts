// npm test [-- [--server KIND] [vitest's arguments]]: the whole suite on every server that can be had.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleProgram } from '../test/support/bundle.ts';
import { debianProgram } from '../test/support/servers/install.ts';
import { removeLeftovers } from '../test/support/servers/leftovers.ts';
import type { Server } from '../test/support/servers/server.ts';
import { startServers } from '../test/support/servers/start.ts';

const { values, tokens } = parseArgs({
  strict: false,
  tokens: true,
  allowPositionals: true,
  options: { server: { type: 'string', multiple: true } },
});
const only = (values.server as string[] | undefined) ?? [];
const rest = process.argv
  .slice(2)
  .filter(
    (_, index) =>
      !tokens.some(
        (token) =>
          token.kind === 'option' &&
          token.name === 'server' &&
          (token.index === index || (!token.inlineValue && token.index + 1 === index)),
      ),
  );

const program = await bundleProgram();
process.on('exit', () => rmSync(program.folder, { recursive: true, force: true }));
console.log('Starting the database servers …');
const { servers, missed } = await startServers(only);
let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void interrupt());
if (servers.length === 0) {
  report(servers);
  console.error(
    'Error: no database server can be had, and the suite is about databases\nTry: install mariadb-server, start Docker, or run as root on Debian',
  );
  process.exit(1);
}

const redisServer = findRedis();
const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-report-'));
const file = join(folder, 'report.json');
const vitest = spawn('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...rest], {
  stdio: 'inherit',
  env: {
    ...process.env,
    TEST_REDIS_SERVER: redisServer,
    TEST_PROGRAM: program.file,
    // The suite starts the program many hundred times.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(folder, 'compiled'),
    TEST_SERVERS: JSON.stringify(servers.map(({ kind, adminUrl }) => ({ kind, adminUrl }))),
  },
});
// A test that fails may leave a process behind, for which vitest waits for ever: once it has reported, it is ended.
const watch = setInterval(() => {
  if (existsSync(file) && Date.now() - statSync(file).mtimeMs > 30_000) vitest.kill('SIGKILL');
}, 1_000);
const code = await new Promise<number>((ended) => vitest.on('exit', (status) => ended(status ?? 1)));
clearInterval(watch);
await stopAll();
report(servers);
const { passed, failed, skipped } = readReport();
rmSync(folder, { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(code === 0 && failed === 0 && passed > 0 ? 0 : 1);

/** Installed here once, since the tests run at the same time. Without it the tests that need it fail and say so. */
function findRedis(): string {
  try {
    return debianProgram('redis-server', 'redis-server');
  } catch (error) {
    missed.push({ kind: 'redis', why: (error as Error).message });
    return '';
  }
}

async function interrupt(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  if (vitest !== undefined && vitest.exitCode === null) {
    vitest.kill('SIGTERM');
    await once(vitest, 'exit');
  }
  // Those that a test file has started for itself, too.
  removeLeftovers({ ownToo: true });
  await stopAll();
  process.exit(130);
}

async function stopAll(): Promise<void> {
  isStopping = true;
  await Promise.all(servers.map((server) => server.stop()));
}

function report(started: readonly Server[]): void {
  console.log('\nServers');
  for (const { kind, host, port } of started) console.log(`  ${kind.padEnd(14)} ran on ${host}:${port}`);
  for (const { kind, why } of missed) console.log(`  ${kind.padEnd(14)} not reached: ${why}`);
}

function readReport(): { passed: number; failed: number; skipped: number } {
  try {
    const result = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
    const suites = Number(result.numFailedTestSuites ?? 0);
    const failed = Number(result.numFailedTests ?? 0);
    // A file that cannot even be loaded has no failed test, and has failed.
    return {
      passed: Number(result.numPassedTests ?? 0),
      failed: Math.max(failed, failed === 0 ? (code === 0 ? 0 : Math.max(1, suites)) : failed),
      skipped: Number(result.numPendingTests ?? 0),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
