// npm run bench [-- [--only NAME] [--server KIND] [--quick] [--json]]: every scenario, on MariaDB and MySQL.
import { parseArgs } from 'node:util';
import { buildProgram } from '../bench/frame/program.ts';
import { keepResults, machine, type Result } from '../bench/frame/results.ts';
import type { Scenario } from '../bench/frame/scenario.ts';
import { cells, isMet, textTable } from '../bench/frame/table.ts';
import { scenarios } from '../bench/scenarios/all.ts';
import type { Server } from '../test/support/servers/server.ts';
import { startServers } from '../test/support/servers/start.ts';

const USAGE =
  'npm run bench -- [--only NAME]… [--server KIND]… [--quick] [--json]; NAME is one of ' +
  scenarios.map(({ name }) => name).join(', ');
const PAIRS = { quick: 1, whole: 3 };

const { only, kinds, isQuick, isJson } = readArguments();
const wanted = scenarios.filter(({ name }) => only.length === 0 || only.includes(name));
const { servers, missed } = await startServers(kinds);
const build = buildProgram();
let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(130));
if (servers.length === 0) {
  process.stderr.write(
    `Error: no database server can be had\n${missed.map(({ kind, why }) => `  ${kind}: ${why}`).join('\n')}\n`,
  );
  await end(1);
}

const results: Result[] = [];
let hasFailed = false;
for (const server of servers) for (const scenario of wanted) await measure(server, scenario);
// Who was interrupted wants no table of nothing, and is being ended already.
if (!isEnding) {
  report();
  await end(hasFailed ? 1 : 0);
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        server: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
    const unknown = values.only?.find((name) => !scenarios.some((scenario) => scenario.name === name));
    if (unknown !== undefined) throw new Error(`there is no scenario ${unknown}`);
    return {
      only: values.only ?? [],
      kinds: values.server ?? ['mariadb-10.11', 'mysql-9.7'],
      isQuick: values.quick ?? false,
      isJson: values.json ?? false,
    };
  } catch (error) {
    process.stderr.write(`Error: ${error instanceof Error ? error.message : error}\nTry: ${USAGE}\n`);
    process.exit(2);
  }
}

/** A scenario that breaks is told and left out of the results; the others go on. */
async function measure(server: Server, scenario: Scenario): Promise<void> {
  if (isEnding) return;
  const say = (text: string) => process.stderr.write(`${server.kind}  ${scenario.name}: ${text}\n`);
  try {
    const pairs = isQuick ? PAIRS.quick : PAIRS.whole;
    const { rows, curves = [] } = await scenario.run({ server, build, isQuick, pairs, say });
    const measuredOn = new Date().toISOString().slice(0, 10);
    const result = { scenario: scenario.name, server: server.kind, measuredOn, rows, curves };
    results.push(result);
    for (const row of rows) say(cells(row).filter(Boolean).join(' | '));
    // Kept at once: the whole takes more than an hour, and may be cut short.
    if (!isQuick)
      keepResults(
        [result],
        scenarios.map(({ name }) => name),
      );
  } catch (error) {
    if (isEnding) return;
    hasFailed = true;
    say(`failed: ${error instanceof Error ? error.stack : error}`);
  }
}

function report(): void {
  if (isJson) {
    const lines = results.flatMap(({ server, scenario, rows }) =>
      rows.map((row) => ({ server, name: scenario, ...row, met: isMet(row) })),
    );
    process.stdout.write(`${JSON.stringify({ machine: machine(), quick: isQuick, results: lines }, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${machine()}\n`);
  for (const { kind } of servers) {
    const rows = results.filter(({ server }) => server === kind).flatMap((result) => result.rows);
    process.stdout.write(`\n${kind}\n${textTable(rows)}\n`);
  }
}

/** Leaves nothing running. */
async function end(code: number): Promise<never> {
  isEnding = true;
  await Promise.all(servers.map((server) => server.stop()));
  build.remove();
  process.exit(code);
}
