import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Finished, runProgram } from '../support/program.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { expectRefused } from './refused.ts';

/** What differs from a small mapping of contacts that fits. */
export type Change = {
  name?: string;
  type?: string;
  matchOn?: string;
  key?: string;
  select?: string;
  from?: string;
};

/** A shop, and mappings that are refused there before anything is changed. */
export type Misfits = {
  shop: SyncedShop;
  /** The mapping's file. */
  file: string;
  /** A command, with the mapping that has this change in it. */
  run(command: string, change: Change, env?: Record<string, string>): Promise<Finished>;
  /** The command is refused with these texts, and changes nothing. */
  refused(command: string, change: Change, ...says: string[]): Promise<void>;
  expectUnchanged(): Promise<void>;
  close(): Promise<void>;
};

export async function openMisfits(): Promise<Misfits> {
  const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-test-'));
  const file = join(folder, 'hubspot-outbox.yaml');
  const shop = await openSyncedShop({ users: 10 });
  const before = await everything(shop);
  const run = (command: string, change: Change, env = shop.env) => {
    writeFileSync(file, mappingWith(change));
    return runProgram(['--config', file, ...command.split(' ')], env, folder);
  };
  const expectUnchanged = async () => expect(await everything(shop)).toEqual(before);
  return {
    shop,
    file,
    run,
    expectUnchanged,
    refused: async (command, change, ...says) => {
      expectRefused(await run(command, change), ...says);
      await expectUnchanged();
    },
    close: async () => {
      await shop.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a half-applied command could have left. */
async function everything({ select, sandbox }: SyncedShop) {
  const tables = ['hubspot_watch', 'hubspot_mark', 'hubspot_data', 'hubspot_match', 'hubspot_worker'];
  const rows = await Promise.all(tables.map((table) => select(`SELECT * FROM ${table}`)));
  const triggers = await select<{ Trigger: string; Statement: string }>('SHOW TRIGGERS');
  const records = await Promise.all(['contacts', 'companies', 'deals'].map((type) => sandbox.records(type)));
  return { rows, triggers: triggers.map(({ Trigger, Statement }) => [Trigger, Statement]), records };
}

function mappingWith({ name = 'contacts', type = name, ...change }: Change): string {
  const { matchOn = 'email', key = 'users.id', select = '', from = '' } = change;
  return `objects:
  ${name}:
    type: ${type}
    match_on: ${matchOn}
    key: ${key}
    query: SELECT u.id AS source_id, u.email${select} FROM users u ${from} WHERE u.id IN (:ids)
`;
}
