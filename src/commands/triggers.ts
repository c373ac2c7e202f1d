import type { Command } from 'commander';
import type { Plan } from '../capture/plan.ts';
import { openContext } from './context.ts';

export function addTriggersCommand(program: Command): void {
  const triggers = program.command('triggers').description('the triggers that note changes');
  triggers
    .command('plan')
    .description('what is watched, and the DDL that apply would run; changes nothing')
    .option('--sql', 'the DDL alone, as a file a DBA can run with the mysql client')
    .option('--json', 'as JSON')
    .action((options: { sql?: boolean; json?: boolean }) => plan(program, options));
  triggers
    .command('apply')
    .description('make the triggers what the mapping asks for')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => apply(program, options));
  triggers
    .command('drop')
    .description('remove every trigger of ours, and nothing else')
    .action(() => drop(program));
}

async function plan(program: Command, { sql, json }: { sql?: boolean; json?: boolean }): Promise<void> {
  const context = await openContext(program);
  try {
    const { planTriggers } = await import('../capture/plan.ts');
    const { describePlan, toSqlFile } = await import('../capture/describe.ts');
    const { refuseForeign } = await import('../capture/foreign.ts');
    const planned = await planTriggers(context.db, context.mapping);
    // A file that would stop half-way is none.
    if (sql) refuseForeign(context.mapping.file, planned.foreign);
    if (json) print(JSON.stringify(toJson(planned), null, 2));
    else print(sql ? toSqlFile(planned) : describePlan(planned));
    refuseForeign(context.mapping.file, planned.foreign);
  } finally {
    await context.close();
  }
}

async function apply(program: Command, { json }: { json?: boolean }): Promise<void> {
  const context = await openContext(program);
  try {
    const { applyTriggers } = await import('../capture/apply.ts');
    const { describeBackfills, describeChange } = await import('../capture/describe.ts');
    const applied = await applyTriggers(context.db, context.mapping, {
      onChange: (change) => (json ? undefined : print(describeChange(change, 'done'))),
    });
    if (json) print(JSON.stringify(toJson(applied), null, 2));
    else {
      if (applied.changes.length === 0) print('Nothing to do: every trigger stands as the mapping asks.');
      for (const warning of applied.warnings) print(`Note: ${warning}`);
      for (const line of describeBackfills(applied)) print(line);
    }
  } finally {
    await context.close();
  }
}

async function drop(program: Command): Promise<void> {
  const context = await openContext(program, { migrated: false });
  try {
    const { dropTriggers } = await import('../capture/apply.ts');
    const names = await dropTriggers(context.db);
    print(
      names.length === 0
        ? 'No trigger of ours is there.'
        : `Dropped ${names.length} triggers:\n  ${names.join('\n  ')}`,
    );
  } finally {
    await context.close();
  }
}

function toJson({ watches, changes, unchanged, foreign, warnings, backfills }: Plan) {
  return { watches, changes, unchanged, foreign, warnings, backfills };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
