import type { Command } from 'commander';
import type { Db } from '../database/connect.ts';

type ListOptions = { all?: boolean; object?: string; json?: boolean };

/** `poison list|show|retry|discard`: the records HubSpot refuses, and what to do about them. */
export function addPoisonCommand(program: Command): void {
  const poison = program.command('poison').description('the records that HubSpot refuses, and why');

  poison
    .command('list')
    .description('poisoned rows, grouped by code and property')
    .option('--all', 'row by row instead')
    .option('--object <name>', 'of one object only')
    .option('--json', 'as JSON')
    .action((options: ListOptions) => withDatabase((db) => list(db, options)));

  poison
    .command('show <id>')
    .description('one row whole: what was sent, and what HubSpot said of it; ID or OBJECT/ID')
    .option('--json', 'as JSON')
    .action((id: string, options: { json?: boolean }) => withDatabase((db) => show(db, id, options)));

  for (const [verb, description] of [
    ['retry', 'send rows again: by ID or OBJECT/ID, --code, or --all'],
    ['discard', 'forget rows until they change at their source: by ID or OBJECT/ID, --code, or --all'],
  ] as const) {
    poison
      .command(`${verb} [ids...]`)
      .description(description)
      .option('--object <name>', 'of one object only')
      .option('--code <code>', 'every row with this error code, like INVALID_EMAIL')
      .option('--all', 'every row')
      .option('--yes', 'do not ask back')
      .action((ids: string[], options) =>
        withDatabase(async (db) => (await import('./poisonChange.ts')).changePoison(db, verb, ids, options)),
      );
  }
}

async function withDatabase(work: (db: Db) => Promise<void>): Promise<void> {
  const [{ readEnvironment }, { openDatabase }] = await Promise.all([
    import('../config/environment.ts'),
    import('./context.ts'),
  ]);
  const { db, close } = await openDatabase(readEnvironment());
  try {
    await work(db);
  } finally {
    await close();
  }
}

async function list(db: Db, { all, object, json }: ListOptions): Promise<void> {
  if (object !== undefined) await (await import('./outboxRow.ts')).requireObject(db, object);
  if (all) return listRows(db, { object, json: json === true });
  const [{ groupPoison }, { formatJson, formatTable }] = await Promise.all([
    import('../outbox/poison.ts'),
    import('./table.ts'),
  ]);
  const groups = await groupPoison(db, { object });
  if (json) print(formatJson(groups));
  else if (groups.length === 0) print('Nothing is poisoned.');
  else {
    const cells = groups.map((group) => [
      group.object,
      group.code,
      group.property,
      group.rows,
      group.sample,
      group.since.slice(0, 19),
    ]);
    print(formatTable(['OBJECT', 'CODE', 'PROPERTY', 'ROWS', 'SAMPLE ID', 'SINCE (UTC)'], cells));
  }
}

/** A page at a time, so that a million rows need no more memory than a thousand. */
async function listRows(db: Db, { object, json }: { object: string | undefined; json: boolean }): Promise<void> {
  const [{ pagePoison }, { formatJson, formatTable }] = await Promise.all([
    import('../outbox/poison.ts'),
    import('./table.ts'),
  ]);
  let count = 0;
  for await (const page of pagePoison(db, { object })) {
    if (json) print(`${count === 0 ? '[' : ','}${formatJson(page, 0).slice(1, -1)}`);
    else {
      const cells = page.map((row) => [
        row.object,
        row.source_id,
        row.error_code,
        row.error_property,
        row.error_value,
        row.error_message,
      ]);
      print(formatTable(['OBJECT', 'ID', 'CODE', 'PROPERTY', 'VALUE', 'MESSAGE'], cells));
    }
    count += page.length;
  }
  if (json) print(count === 0 ? '[]' : ']');
  else if (count === 0) print('Nothing is poisoned.');
}

async function show(db: Db, id: string, { json }: { json?: boolean }): Promise<void> {
  const [{ findRow, formatRow }, { formatJson }] = await Promise.all([import('./outboxRow.ts'), import('./table.ts')]);
  const row = await findRow(db, id);
  print(json ? formatJson(row) : formatRow(row));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
