import type { Command } from 'commander';
import type { Log } from '../log.ts';
import { type Context, openContext } from './context.ts';

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
  await withWorker(program, async (worker, context, log) => {
    const [{ startMonitoring }, { connect }] = await Promise.all([
      import('../http/startMonitoring.ts'),
      import('../database/connect.ts'),
    ]);
    const { environment, mapping } = context;
    // A small pool of its own: a busy worker leaves no connection free for long.
    const db = await connect(environment.databaseUrl, { poolMax: 2 });
    try {
      const monitoring = await startMonitoring({
        db,
        objects: mapping.objects.map(({ name }) => name),
        facts: () => worker.facts(),
        metrics: worker.metrics,
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
  await withWorker(program, async (worker) => {
    const { synced, unchanged, poison, gone, later, calls } = await worker.drain();
    if (json) process.stdout.write(`${JSON.stringify({ synced, unchanged, poison, gone, later, calls })}\n`);
    else
      process.stdout.write(
        `${synced} synced, ${unchanged} unchanged, ${gone} gone, ${poison} poison, in ${calls} calls\n`,
      );
    if (later > 0 && worker.paused.size === 0) {
      process.stderr.write('Error: not everything was delivered; what is left stays pending, and is due again soon\n');
      process.exitCode = 1;
    }
    for (const [object, { code, reason }] of worker.paused) {
      process.stderr.write(
        `Error: ${object === '*' ? 'everything' : object} is paused: ${reason} (${code}); its rows stay pending\n`,
      );
      process.exitCode = 1;
    }
  });
}

type WorkerOf = InstanceType<typeof import('../worker.ts')['Worker']>;

type Work = (worker: WorkerOf, context: Context, log: Log) => Promise<void>;

async function withWorker(program: Command, work: Work): Promise<void> {
  const context = await openContext(program);
  try {
    const [{ Worker }, { createLog }] = await Promise.all([import('../worker.ts'), import('../log.ts')]);
    const log = createLog(context.environment.logLevel);
    const worker = new Worker({ ...context, log });
    const onSignal = () => worker.stop();
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    try {
      await worker.prepare();
      await work(worker, context, log);
    } finally {
      await worker.close();
    }
  } finally {
    await context.close();
  }
}
