import type { Command } from 'commander';
import { ConfigurationError } from '../errors.ts';
import { type Context, openContext } from './context.ts';
import { printUnapplied } from './printUnapplied.ts';

export function addBackfillCommand(program: Command): void {
  program
    .command('backfill')
    .argument('[object]', 'one object of the mapping; all of them when left out')
    .description('enqueue every record, to be compared and delivered; goes on where it stopped')
    .action((object: string | undefined) => run(program, object));
}

async function run(program: Command, object: string | undefined): Promise<void> {
  const context = await openContext(program);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    for (const name of chosen(context, object)) await backfillObject(context, name, stop.signal);
    if (!stop.signal.aborted) return;
    process.stdout.write('Stopped; the next backfill goes on from here.\n');
    process.exitCode = 130;
  } finally {
    await context.close();
  }
}

function chosen({ mapping }: Context, object: string | undefined): string[] {
  const names = mapping.objects.map(({ name }) => name);
  if (object === undefined) return names;
  if (names.includes(object)) return [object];
  throw new ConfigurationError(`${mapping.file} has no object ${object}`, {
    code: 'NO_OBJECT',
    remedy: `one of ${names.join(', ')}`,
  });
}

async function backfillObject({ db, mapping }: Context, name: string, signal: AbortSignal): Promise<void> {
  const [{ prepareObjects }, { findUnapplied }, { backfill }, { startProgress }] = await Promise.all([
    import('../objects.ts'),
    import('../capture/unapplied.ts'),
    import('../outbox/backfill.ts'),
    import('./progress.ts'),
  ]);
  const object = (await prepareObjects(db, mapping)).find((each) => each.mapping.name === name);
  if (object === undefined || signal.aborted) return;
  printUnapplied(await findUnapplied(db, [object]));
  const progress = await startProgress(name);
  const key = { ...object.mapping.key, kind: object.keyKind, archivesGone: object.mapping.whenGone === 'archive' };
  try {
    const enqueued = await backfill(db, name, key, progress.update, signal);
    const what = signal.aborted ? 'so far' : 'the worker delivers those that HubSpot does not hold yet';
    progress.end(`${name}: ${enqueued} records enqueued; ${what}`);
  } catch (error) {
    progress.abandon();
    throw error;
  }
}
