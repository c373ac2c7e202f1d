import { createInterface } from 'node:readline/promises';
import type { Db } from '../database/connect.ts';
import { ConfigurationError, OutboxError } from '../errors.ts';
import { countPoison, discardPoison, type PoisonFilter, retryPoison } from '../outbox/poison.ts';
import { findRow, requireObject } from './outboxRow.ts';
import { plain } from './table.ts';

export type ChangeOptions = { object?: string; code?: string; all?: boolean; yes?: boolean };

const VERBS = {
  retry: { change: retryPoison, asks: 'Send again', done: 'due again' },
  discard: { change: discardPoison, asks: 'Discard', done: 'discarded' },
};

/**
 * `poison retry` and `poison discard`: tells how many rows it is about, asks back, and changes them.
 * @throws ConfigurationError when nothing, or two things, say which rows; or when nobody is there to be asked
 */
export async function changePoison(
  db: Db,
  verb: keyof typeof VERBS,
  ids: readonly string[],
  options: ChangeOptions,
): Promise<void> {
  requireOneSelection(verb, ids, options);
  if (options.object !== undefined) await requireObject(db, options.object);
  const filters = ids.length > 0 ? await filtersOf(db, ids, options.object) : [filterOf(options)];
  const counts = await Promise.all(filters.map((filter) => countPoison(db, filter)));
  const count = counts.reduce((sum, each) => sum + each, 0);
  if (count === 0) return print('No poisoned rows to change.');

  const { asks, change, done } = VERBS[verb];
  if (!options.yes && !(await confirm(`${asks} ${rows(count)}?`))) return print('Nothing changed.');
  let changed = 0;
  for (const filter of filters) changed += await change(db, filter);
  print(`${rows(changed)} ${done}.`);
}

function requireOneSelection(verb: string, ids: readonly string[], { code, all }: ChangeOptions): void {
  const given = [ids.length > 0, code !== undefined, all === true].filter(Boolean).length;
  if (given === 1) return;
  throw new ConfigurationError(
    given === 0 ? `poison ${verb}: which rows?` : `poison ${verb}: IDs, --code and --all exclude each other`,
    { code: 'USAGE', remedy: `hubspot-outbox poison ${verb} ID, or --code CODE, or --all` },
  );
}

function filterOf({ object, code }: ChangeOptions): PoisonFilter {
  return { object, code };
}

async function filtersOf(db: Db, ids: readonly string[], object: string | undefined): Promise<PoisonFilter[]> {
  const found = [];
  for (const id of ids) found.push(await findRow(db, id, object));
  const other = found.find(({ status }) => status !== 'poison');
  if (other !== undefined) {
    throw new OutboxError(`${plain(`${other.object}/${other.source_id}`)} is ${other.status}, not poisoned`, {
      code: 'NOT_POISONED',
      remedy: 'hubspot-outbox poison list --all',
    });
  }
  return found.map((row) => ({ object: row.object, sourceId: row.source_id }));
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new ConfigurationError(`${question} There is no terminal to answer at`, {
      code: 'NOT_CONFIRMED',
      remedy: 'the same command with --yes',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

function rows(count: number): string {
  return count === 1 ? '1 poisoned row' : `${count} poisoned rows`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
