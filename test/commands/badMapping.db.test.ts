import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../support/program.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { expectRefused } from './refused.ts';

describe('a mapping that does not fit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-test-'));
  const file = join(folder, 'hubspot-outbox.yaml');
  let shop: SyncedShop;
  let before: unknown;
  beforeAll(async () => {
    shop = await openSyncedShop({ users: 10 });
    before = await everything();
  });
  afterAll(async () => {
    await shop?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a half-applied command could have left. */
  async function everything() {
    const tables = ['hubspot_watch', 'hubspot_mark', 'hubspot_data', 'hubspot_match', 'hubspot_worker'];
    const rows = await Promise.all(tables.map((table) => shop.select(`SELECT * FROM ${table}`)));
    const triggers = await shop.select<{ Trigger: string; Statement: string }>('SHOW TRIGGERS');
    const records = await Promise.all(['contacts', 'companies', 'deals'].map((type) => shop.sandbox.records(type)));
    return { rows, triggers: triggers.map(({ Trigger, Statement }) => [Trigger, Statement]), records };
  }

  type Change = { name?: string; matchOn?: string; key?: string; select?: string; from?: string };

  function write({ name = 'contacts', matchOn = 'email', key = 'users.id', select = '', from = '' }: Change): void {
    writeFileSync(
      file,
      `objects:
  ${name}:
    match_on: ${matchOn}
    key: ${key}
    query: SELECT u.id AS source_id, u.email${select} FROM users u ${from} WHERE u.id IN (:ids)
`,
    );
  }

  async function refused(command: string, change: Change, ...says: string[]): Promise<void> {
    write(change);
    expectRefused(await runProgram(['--config', file, ...command.split(' ')], shop.env, folder), ...says);
    expect(await everything()).toEqual(before);
  }

  const toDatabase: [title: string, change: Change, ...says: string[]][] = [
    ['an unknown table of the key', { key: 'usrs.id' }, 'objects.contacts.key: there is no table usrs'],
    ['an unknown column of the key', { key: 'users.uid' }, 'objects.contacts.key: the table users has no column uid'],
    [
      'a key that is not unique',
      { key: 'users.email' },
      'objects.contacts.key: users.email is not unique',
      'primary key',
    ],
    ['an unknown column', { select: ', u.frist_name AS firstname' }, 'objects.contacts.query: ', 'u.frist_name'],
    [
      'an unknown table',
      { select: ', d.phone', from: 'LEFT JOIN user_details d ON d.user_id = u.id' },
      'objects.contacts.query: there is no table user_details',
    ],
  ];
  it.each(toDatabase)('triggers apply refuses %s', (_, change, ...says) => {
    return refused('triggers apply', change, `${file} does not fit the database`, ...says);
  });
  it.each(['triggers plan', 'backfill', 'once', 'run'])('%s refuses it just so', async (command) => {
    for (const [, change, ...says] of toDatabase.slice(-1)) await refused(command, change, ...says);
  });

  const toHubspot: [title: string, change: Change, ...says: string[]][] = [
    [
      'an unknown object type',
      { name: 'contcts' },
      'objects.contcts.type: HubSpot has no object type contcts',
      'use a name like contacts',
    ],
    [
      'an unknown property',
      { select: ', u.first_name AS fristname' },
      'objects.contacts.query: HubSpot has no property fristname for contacts; did you mean firstname?',
    ],
    [
      'a read-only property',
      { select: ', u.registered_at AS createdate' },
      'objects.contacts.query: the property createdate is read-only',
    ],
    [
      'a match_on without unique values',
      { name: 'companies', matchOn: 'domain', select: ', u.company AS domain' },
      'objects.companies.match_on: the property domain has no unique values',
      'create a property with unique values in HubSpot',
    ],
    [
      'a match_on that the query does not return',
      { matchOn: 'shop_user_id' },
      'objects.contacts.query: the query returns no column shop_user_id',
    ],
  ];
  it.each(toHubspot)('once refuses %s', (_, change, ...says) => refused('once', change, ...says));
  it('run refuses it just so', async () => {
    for (const [, change, ...says] of toHubspot.slice(0, 1)) await refused('run', change, ...says);
  });

  it.each(['once', 'run'])('%s refuses a missing token', async (command) => {
    const { HUBSPOT_ACCESS_TOKEN: _, ...env } = shop.env;
    write({});
    const finished = await runProgram(['--config', file, command], env, folder);
    expectRefused(
      finished,
      'HUBSPOT_ACCESS_TOKEN is not set',
      'Try: in HubSpot, Settings → Integrations → Service Keys',
    );
    expect(await everything()).toEqual(before);
  });

  it.each(['once', 'run'])('%s refuses a token that HubSpot refuses', async (command) => {
    write({});
    const env = { ...shop.env, HUBSPOT_ACCESS_TOKEN: 'pat-secret' };
    const finished = await runProgram(['--config', file, command], env, folder);
    expectRefused(finished, 'HubSpot refuses the access token', 'Try: check HUBSPOT_ACCESS_TOKEN');
    expect(await everything()).toEqual(before);
  });

  it('once refuses a token without the scopes it needs, and says which', async () => {
    write({});
    const body = { category: 'MISSING_SCOPES', errors: [{ context: { requiredGranularScopes: ['crm.schemas.x'] } }] };
    await shop.sandbox.fault({ path: '/crm/v3/properties', respond: { status: 403, body } });
    const finished = await runProgram(['--config', file, 'once'], shop.env, folder);
    await shop.sandbox.clearFaults();
    expectRefused(finished, 'crm.schemas.x', 'Try: check HUBSPOT_ACCESS_TOKEN and its scopes');
    expect(await everything()).toEqual(before);
  });
});
