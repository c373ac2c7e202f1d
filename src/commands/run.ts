import type { Command } from 'commander';
import { openContext } from './context.ts';

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .description('the worker: deliver what changes, until SIGTERM or SIGINT')
    .action(() => run(program));
}

export function addOnceCommand(program: Command): void {
  program
    .command('once')
    .description('deliver everything that is due, then exit')
    .option('--json', 'the counts as JSON')
    .action((options: { json?: boolean }) => once(program, options));
}

async function run(program: Command): Promise<void> {
  await withWorker(program, async (worker) => worker.run());
}

async function once(program: Command, { json }: { json?: boolean }): Promise<void> {
  await withWorker(program, async (worker) => {
    const { synced, unchanged, poison, gone, later, calls } = await worker.drain();
    if (json) process.stdout.write(`${JSON.stringify({ synced, unchanged, poison, gone, later, calls })}\n`);
    else
      process.stdout.write(
        `${synced} synced, ${unchanged} unchanged, ${gone} gone, ${poison} poison, in ${calls} calls\n`,
      );
    for (const [object, { code, reason }] of worker.paused) {
      process.stderr.write(
        `Error: ${object === '*' ? 'everything' : object} is paused: ${reason} (${code}); its rows stay pending\n`,
      );
      process.exitCode = 1;
    }
  });
}

type WorkerOf = InstanceType<typeof import('../worker.ts')['Worker']>;

async function withWorker(program: Command, work: (worker: WorkerOf) => Promise<void>): Promise<void> {
  const context = await openContext(program);
  try {
    const [{ Worker }, { createLog }] = await Promise.all([import('../worker.ts'), import('../log.ts')]);
    const worker = new Worker({ ...context, log: createLog(context.environment.logLevel) });
    const onSignal = () => worker.stop();
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    await worker.prepare();
    await work(worker);
  } finally {
    await context.close();
  }
}
