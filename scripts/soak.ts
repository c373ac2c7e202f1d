// npm run soak [-- --seed N]… [--minutes M] [--server KIND]: chaos, then quiet, then every record is compared.
import { parseArgs } from 'node:util';
import { soak, summary } from '../test/soak/soak.ts';
import type { Server } from '../test/support/servers/server.ts';
import { startServers } from '../test/support/servers/start.ts';

const { seeds, minutes, kind } = readArguments();
const { servers, missed } = await startServers([kind]);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(130));
const [server] = servers;
if (server === undefined) {
  process.stderr.write(
    `Error: ${kind} cannot be had\n${missed.map((each) => `  ${each.kind}: ${each.why}`).join('\n')}\n`,
  );
  await end(1);
} else {
  await soakAll(server).then(
    (isWell) => end(isWell ? 0 : 1),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      return end(1);
    },
  );
}

function readArguments(): { seeds: number[]; minutes: number; kind: string } {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', multiple: true },
        minutes: { type: 'string' },
        server: { type: 'string' },
      },
    });
    const numbers = [...(values.seed ?? ['1']), values.minutes ?? '3'].map(Number);
    if (!numbers.every((number) => number > 0)) throw new Error('--seed and --minutes take numbers above 0');
    return { seeds: numbers.slice(0, -1), minutes: numbers.at(-1) ?? 3, kind: values.server ?? 'mariadb-10.11' };
  } catch (error) {
    const usage = 'npm run soak -- [--seed N]… [--minutes M] [--server KIND]';
    process.stderr.write(`Error: ${error instanceof Error ? error.message : error}\nTry: ${usage}\n`);
    process.exit(2);
  }
}

/** Seed after seed; whether all of them went well. */
async function soakAll({ kind: name, adminUrl }: Server): Promise<boolean> {
  Object.assign(process.env, { TEST_SERVER_KIND: name, TEST_SERVER_URL: adminUrl });
  let isWell = true;
  for (const seed of seeds) {
    const chaosMs = minutes * 60_000;
    const say = (text: string) =>
      process.stderr.write(`${new Date().toISOString().slice(11, 19)} seed ${seed}: ${text}\n`);
    const soaked = await soak({ seed, chaosMs, say });
    isWell &&= soaked.problems.length === 0;
    for (const trail of soaked.trails) process.stdout.write(`\n${trail}\n`);
    for (const problem of soaked.problems) process.stdout.write(`PROBLEM seed ${seed}: ${problem}\n`);
    process.stdout.write(`${summary(soaked, chaosMs, name)}\n`);
  }
  return isWell;
}

/** Leaves nothing running. */
async function end(code: number): Promise<never> {
  await Promise.all(servers.map((each) => each.stop()));
  process.exit(code);
}
