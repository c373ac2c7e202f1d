import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { expectRefused } from './refused.ts';

let shop: SyncedShop;
beforeAll(async () => {
  shop = await openSyncedShop({ users: 10 });
  await shop.application.query(
    `INSERT INTO hubspot_data (object, source_id, status, due_at, error_code, created_at, updated_at)
     VALUES ('contacts', '7', 'poison', NOW(), 'INVALID_EMAIL', NOW(), NOW())`,
  );
});
afterAll(() => shop?.close());

const rows = () => shop.select('SELECT * FROM hubspot_data');

// Which rows are meant, and whether somebody was asked, is decided by the command line alone.
describe.each(['retry', 'discard'])('poison %s', (verb) => {
  it('wants to know which rows, and takes one answer', async () => {
    const before = await rows();
    const told = [`poison ${verb}: which rows?`, `Try: hubspot-outbox poison ${verb} ID`];
    expectRefused(await shop.run('poison', verb), ...told);
    expectRefused(await shop.run('poison', verb, 'contacts/7', '--all', '--yes'), 'exclude each other', 'Try: ');
    expectRefused(await shop.run('poison', verb, '--code', 'X', '--all', '--yes'), 'exclude each other', 'Try: ');
    expect(await rows()).toEqual(before);
  });

  it.each([['contacts/7'], ['--code', 'INVALID_EMAIL'], ['--all']])(
    'refuses to go on unasked where nobody can answer: %s',
    async (...which) => {
      const before = await rows();
      const told = ['1 poisoned row', 'There is no terminal to answer at', 'Try: the same command with --yes'];
      expectRefused(await shop.run('poison', verb, ...which), ...told);
      expect(await rows()).toEqual(before);
    },
  );
});
