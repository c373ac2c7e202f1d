import type { Command } from 'commander';
import type { Status } from '../status/readStatus.ts';
import { openDatabase } from './context.ts';

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('workers, backlog, what was sent, poison by reason')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const [{ readEnvironment }, { readStatus }] = await Promise.all([
        import('../config/environment.ts'),
        import('../status/readStatus.ts'),
      ]);
      const { db, close } = await openDatabase(readEnvironment());
      try {
        const status = await readStatus(db);
        const { formatJson } = await import('./table.ts');
        process.stdout.write(json ? `${formatJson(status)}\n` : await describe(status));
      } finally {
        await close();
      }
    });
}

async function describe({ workers, objects, poison }: Status): Promise<string> {
  const { formatTable, plain } = await import('./table.ts');
  const lines = [
    workers.length === 0
      ? 'No worker runs: start one with hubspot-outbox run\n'
      : formatTable(
          ['worker', 'host', 'pid', 'version', 'started', 'seen'],
          workers.map((worker) => [
            worker.id,
            worker.host,
            worker.pid,
            worker.version,
            worker.started_at.slice(0, 19),
            `${worker.seen_seconds_ago} s ago`,
          ]),
        ),
    formatTable(
      ['object', 'marks', 'pending', 'oldest', 'sent last hour', 'poison'],
      objects.map((object) => [
        object.object,
        object.marks,
        object.pending,
        object.oldest_pending_seconds === null ? '-' : `${object.oldest_pending_seconds} s`,
        object.sent_last_hour,
        object.poison,
      ]),
    ),
    ...objects.flatMap(({ object, paused, backfill }) => [
      ...(paused === null ? [] : [plain(`${object} is paused: ${paused}`)]),
      ...(backfill === null
        ? []
        : [plain(`${object} needs a backfill (${backfill}): hubspot-outbox backfill ${object}`)]),
    ]),
    poison.length === 0
      ? 'No poison.\n'
      : formatTable(
          ['poison', 'object', 'property', 'records', 'for example'],
          poison.map((group) => [group.code, group.object, group.property ?? '-', group.rows, group.sample]),
        ),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n\n')}\n`;
}
