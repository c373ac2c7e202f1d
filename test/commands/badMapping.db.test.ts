import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Change, type Misfits, openMisfits } from './misfits.ts';

describe('a mapping that does not fit the database', () => {
  let misfits: Misfits;
  beforeAll(async () => {
    misfits = await openMisfits();
  });
  afterAll(() => misfits?.close());

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
    return misfits.refused('triggers apply', change, `${misfits.file} does not fit the database`, ...says);
  });
  it.each(['triggers plan', 'backfill', 'once', 'run'])('%s refuses it just so', async (command) => {
    for (const [, change, ...says] of toDatabase.slice(-1)) await misfits.refused(command, change, ...says);
  });

  it('once refuses a match_on that the query does not return', async () => {
    const says = 'objects.contacts.query: the query returns no column shop_user_id';
    await misfits.refused('once', { matchOn: 'shop_user_id' }, says);
  });
});
