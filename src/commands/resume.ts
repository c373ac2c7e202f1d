import type { Command } from 'commander';
import { openDatabase } from './context.ts';

export function addResumeCommand(program: Command): void {
  program
    .command('resume <object>')
    .description('go on with an object that paused: what is refused is poisoned, record by record')
    .action(resume);
}

async function resume(object: string): Promise<void> {
  const [{ readEnvironment }, { storeResume }, { requireObject }] = await Promise.all([
    import('../config/environment.ts'),
    import('../outbox/objects.ts'),
    import('./outboxRow.ts'),
  ]);
  const { db, close } = await openDatabase(readEnvironment());
  try {
    await requireObject(db, object);
    await storeResume(db, object);
    process.stdout.write(
      `${object} goes on: workers notice within seconds; for an hour what HubSpot refuses is poisoned, however much it is\n`,
    );
  } finally {
    await close();
  }
}
