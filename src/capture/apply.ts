import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Mapping } from '../config/mapping.ts';
import type { Db } from '../database/connect.ts';
import { OutboxError } from '../errors.ts';
import { quoteName } from '../keys.ts';
import { forgetApplied, storeApplied } from './applied.ts';
import { refuseForeign } from './foreign.ts';
import { isOurs, readInstalled, readVersion, TRIGGER_SQL_MODE } from './installed.ts';
import { type Change, type Plan, planTriggers } from './plan.ts';
import { retireOthers, storeWatch } from './registry.ts';
import type { Trigger } from './render.ts';

export type ApplyOptions = {
  /** How long a statement may wait for a busy table, and the application behind it. */
  lockWaitSeconds?: number;
  attempts?: number;
  pauseMs?: number;
  onChange?: (change: Change) => void;
};

type Ddl = { db: Db; options: Required<Omit<ApplyOptions, 'onChange'>>; replaces: boolean };

/**
 * Makes the triggers what the mapping asks for. What a watch means is stored before its trigger stands; a trigger that
 * changes is replaced without a gap. Cut short, the next call goes on.
 * @throws ConfigurationError before anything is changed when a trigger of others is in the way
 */
export async function applyTriggers(db: Db, mapping: Mapping, options: ApplyOptions = {}): Promise<Plan> {
  const plan = await planTriggers(db, mapping);
  refuseForeign(mapping.file, plan.foreign);
  for (const watch of plan.watches) {
    const { sql, bindings } = storeWatch(watch);
    await db.raw(sql, bindings);
  }
  const { isMariaDb } = await readVersion(db);
  const ddl: Ddl = {
    db,
    replaces: isMariaDb,
    options: { lockWaitSeconds: 1, attempts: 10, pauseMs: 1_000, ...options },
  };
  for (const change of plan.changes) {
    await insist(ddl, change);
    options.onChange?.(change);
  }
  for (const statement of retireOthers(plan.watches)) await db.raw(statement);
  for (const { object, applied, backfillReason } of plan.objects) {
    const { sql, bindings } = storeApplied(object, applied, backfillReason);
    await db.raw(sql, bindings);
  }
  return plan;
}

/** Removes every trigger of ours and nothing else; returns their names. */
export async function dropTriggers(db: Db, options: ApplyOptions = {}): Promise<string[]> {
  // First: cut short, a worker warns of triggers that still stand, and never of none.
  await forgetApplied(db);
  const ours = (await readInstalled(db)).filter(isOurs);
  const ddl: Ddl = { db, replaces: false, options: { lockWaitSeconds: 1, attempts: 10, pauseMs: 1_000, ...options } };
  for (const { name, table } of ours) await insist(ddl, { kind: 'orphaned', name, table });
  return ours.map(({ name }) => name);
}

/** CREATE TRIGGER waits for the table, and everybody queues behind it: so it waits briefly, and tries again. */
async function insist(ddl: Ddl, change: Change): Promise<void> {
  const table = change.kind === 'orphaned' ? change.table : change.trigger.table;
  const { attempts, pauseMs, lockWaitSeconds } = ddl.options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await perform(ddl, change);
    } catch (error) {
      if ((error as { errno?: number }).errno !== LOCK_WAIT_TIMEOUT) throw explain(error, table);
      if (attempt < attempts) await delay(pauseMs);
      else {
        throw new OutboxError(
          `the table ${table} is busy: ${attempts} tries of ${lockWaitSeconds} s each found it in a transaction that does not end`,
          {
            code: 'TABLE_BUSY',
            cause: error,
            remedy:
              'run triggers apply again when the long transaction is over (SHOW PROCESSLIST); what is done stays done',
          },
        );
      }
    }
  }
}

const LOCK_WAIT_TIMEOUT = 1205;

async function perform({ db, options, replaces }: Ddl, change: Change): Promise<void> {
  await db.transaction(async (session) => {
    await session.raw(`SET SESSION lock_wait_timeout = ${options.lockWaitSeconds}, sql_mode = '${TRIGGER_SQL_MODE}'`);
    try {
      if (change.kind === 'orphaned') await session.raw(`DROP TRIGGER IF EXISTS ${quoteName(change.name)}`);
      else if (change.kind === 'missing') await session.raw(change.trigger.create);
      else if (replaces) await session.raw(change.trigger.create.replace(/^CREATE/, 'CREATE OR REPLACE'));
      else await replaceUnderLock(session, change.trigger);
    } finally {
      await session.raw(
        "SET SESSION lock_wait_timeout = DEFAULT, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
      );
    }
  });
}

/** Nobody writes to the table between the old trigger and the new. */
async function replaceUnderLock(session: Knex.Transaction, trigger: Trigger): Promise<void> {
  await session.raw(`LOCK TABLES ${quoteName(trigger.table)} WRITE`);
  try {
    await session.raw(`DROP TRIGGER IF EXISTS ${quoteName(trigger.name)}`);
    await session.raw(trigger.create);
  } finally {
    await session.raw('UNLOCK TABLES');
  }
}

const REMEDIES: Record<number, { message: string; remedy: string }> = {
  1142: {
    message: 'the account may not create triggers',
    remedy: 'GRANT TRIGGER on the table to it; hubspot-outbox README lists the least rights',
  },
  1227: {
    message: 'the account lacks a right that creating triggers needs here',
    remedy: 'grant it TRIGGER on the table',
  },
  1419: {
    message: 'the server writes a binary log and lets only administrators create triggers',
    remedy: 'SET GLOBAL log_bin_trust_function_creators = 1, or let a DBA run the output of triggers plan --sql',
  },
};

function explain(error: unknown, table: string): Error {
  const { errno = 0, message } = error as Error & { errno?: number };
  const known = REMEDIES[errno];
  return new OutboxError(`cannot change the triggers of ${table}: ${known?.message ?? message}`, {
    code: 'TRIGGER_DDL',
    cause: error,
    ...(known === undefined ? {} : { remedy: known.remedy }),
  });
}
