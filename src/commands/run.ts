import type { Command } from 'commander';
import { version } from '../version.ts';
import type { WorkerParts } from '../worker.ts';
import { type Context, openContext } from './context.ts';
import { printUnapplied } from './printUnapplied.ts';
import { plain } from './table.ts';

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
  const [{ startMonitoring }, { poolBeside }, { createMetrics }, { createLog }] = await Promise.all([
    import('../http/startMonitoring.ts'),
    import('../database/connect.ts'),
    import('../health/metrics.ts'),
    import('../log.ts'),
  ]);
  const context = await openContext(program);
  const log = createLog(context.environment.logLevel);
  const objects = context.mapping.objects.map(({ name }) => name);
  const metrics = createMetrics({ version: version(), objects });
  await withWorker({ ...context, log, metrics }, async (worker) => {
    const { environment, mapping } = context;
    // A small pool of its own: a busy worker leaves no connection free for long.
    const db = poolBeside(context.db, 2);
    try {
      const monitoring = await startMonitoring({
        db,
        objects,
        facts: () => worker.facts(),
        metrics,
        http: { host: environment.httpHost, port: environment.httpPort },
        alerts: mapping.alerts,
        log,
      });
      try {
        await worker.run();
      } finally {
        await monitoring.close();
      }
    } finally {
      await db.destroy();
    }
  });
}

async function once(program: Command, { json }: { json?: boolean }): Promise<void> {
  const context = await openContext(program);
  const { createLog } = await import('../log.ts');
  // Standard output is for the counts; what goes as it should is not worth a line beside them.
  const { logLevel } = context.environment;
  const log = createLog(logLevel === 'info' ? 'warn' : logLevel, process.stderr);
  await withWorker({ ...context, log, metrics: null }, async (worker) => {
    printUnapplied(worker.facts().unapplied);
    const { counts, isDrained } = await worker.drain();
    const { synced, unchanged, poison, gone, later, calls } = counts;
    if (json) process.stdout.write(`${JSON.stringify({ synced, unchanged, poison, gone, later, calls })}\n`);
    else
      process.stdout.write(
        `${synced} synced, ${unchanged} unchanged, ${gone} gone, ${poison} poison, in ${calls} calls\n`,
      );
    if (!isDrained && worker.paused.size === 0) {
      process.stderr.write('Error: not everything was delivered; what is left stays pending, and is due again soon\n');
      process.exitCode = 1;
    }
    for (const [object, { code, reason }] of worker.paused) {
      process.stderr.write(
        `Error: ${object === '*' ? 'everything' : object} is paused: ${plain(reason)} (${code}); its rows stay pending\n`,
      );
      process.exitCode = 1;
    }
  });
}

type WorkerOf = InstanceType<typeof import('../worker.ts')['Worker']>;

async function withWorker(
  parts: Context & Pick<WorkerParts, 'log' | 'metrics'>,
  work: (worker: WorkerOf) => Promise<void>,
): Promise<void> {
  try {
    const { Worker } = await import('../worker.ts');
    const worker = new Worker(parts);
    const onSignal = () => worker.stop();
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    try {
      await worker.prepare();
      await work(worker);
    } finally {
      await worker.close();
    }
  } finally {
    await parts.close();
  }
}
