import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';

/** A second mapping of the same shop: with a watch by hand, whose records read a table that nothing else does. */
const BY_HAND = `
objects:
  contacts:
    match_on: email
    key: users.id
    query: SELECT u.id AS source_id, u.email FROM users u WHERE u.id IN (:ids)
    watch:
      user_tags: { key: user_id, columns: [tag], records: "SELECT t.user_id FROM tagged_users t WHERE t.user_id IN (:keys)" }
      unread: { key: user_id, columns: [tag], records: "SELECT a.id FROM a WHERE a.b <=> 1 OR a.id IN (:keys)" }
`;

let shop: SyncedShop;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-grants-'));
  shop = await openSyncedShop({ users: 30 });
  await shop.must('backfill');
  await shop.must('once');
});
afterAll(async () => {
  await shop?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('what grants prints', () => {
  it('is what every shop of these tests is run with', async () => {
    const { granted } = shop.accounts;
    const [, account = '', host = ''] = /^[`'](.+)[`']@[`'](.+)[`']$/.exec(granted.running.account) ?? [];
    const out = await shop.must('grants', '--json', '--account', account, '--host', host);
    expect(JSON.parse(out)).toEqual(granted);
  });

  it('is of single tables, but for the lock that only a whole database can give', () => {
    const { migrating, running } = shop.accounts.granted;
    const ofAll = [...migrating.statements, ...running.statements].filter((statement) => /\.\* TO /.test(statement));
    const pattern = shop.database.name.replaceAll('_', '\\_');
    const isMariaDb = shop.database.kind.startsWith('mariadb');
    expect(ofAll).toEqual(isMariaDb ? [] : [`GRANT LOCK TABLES ON \`${pattern}\`.* TO ${migrating.account}`]);
  });

  it('names every table and view that a migration makes', async () => {
    const tables = await shop.select<{ name: string }>(
      "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'hubspot\\_%'",
    );
    const statements = shop.accounts.granted.migrating.statements.join('\n');
    const granted = [...statements.matchAll(/`\.`(hubspot_\w+)`/g)].map(([, name]) => name ?? '');
    expect(granted.sort()).toEqual(tables.map(({ name }) => name).sort());
  });

  it('lets the worker write to no table of the application', () => {
    const { running } = shop.accounts.granted;
    const application = running.statements.filter((statement) => !statement.includes('.`hubspot_'));
    expect(application).toHaveLength(5);
    for (const statement of application) expect(statement).toMatch(/^GRANT SELECT ON /);
  });

  it('covers a watch by hand: its own table, and those that only its records read', async () => {
    const { running, migrating, notes } = await grantsOf(BY_HAND);
    expect(running.statements).toContainEqual(expect.stringMatching(/^GRANT SELECT ON .*`tagged_users` /));
    expect(migrating.statements).toContainEqual(expect.stringMatching(/^GRANT SELECT ON .*`tagged_users` /));
    expect(migrating.statements).toContainEqual(expect.stringMatching(/^GRANT SELECT, TRIGGER ON .*`user_tags` /));
    expect(notes).toContain('there is no table user_tags in the database, or this account may not see it');
    expect(notes).toContain(
      'objects.contacts.watch.unread.records cannot be read here: grant SELECT on its tables by hand',
    );
  });

  it('is SQL that changes nothing before an administrator runs it', async () => {
    const { out } = await shop.run('grants', '--account', "o'brien");
    const lines = out.split('\n').filter((line) => line !== '');
    expect(lines.filter((line) => !/^(-- |GRANT .*;$)/.test(line))).toEqual([]);
    expect(out).toContain("TO 'o''brien_admin'@'%';");
  });
});

describe('accounts with just these rights', () => {
  it('deliver what the application changes', async () => {
    await shop.application.query("UPDATE users SET first_name = 'Grace' WHERE id = 1");
    await shop.application.query('DELETE FROM orders WHERE user_id = 3');
    await shop.must('once');
    await expectSynced(shop);
  });

  it('show and settle poison', async () => {
    const [first, second] = await shop.select<{ source_id: string }>(
      "SELECT source_id FROM hubspot_data WHERE object = 'contacts' AND status = 'synced' ORDER BY source_id LIMIT 2",
    );
    const ids = [first?.source_id, second?.source_id];
    await shop.application.query("UPDATE users SET email = 'no good@' WHERE id IN (?)", [ids]);
    await shop.must('once');
    expect(await shop.must('status')).toContain('INVALID_EMAIL');
    expect(await shop.must('poison', 'list')).toContain('INVALID_EMAIL');
    expect(await shop.must('poison', 'show', `contacts/${ids[0]}`)).toContain('no good@');
    expect(await shop.must('poison', 'retry', `contacts/${ids[0]}`, '--yes')).toBe('1 poisoned row due again.\n');
    expect(await shop.must('poison', 'discard', `contacts/${ids[1]}`, '--yes')).toBe('1 poisoned row discarded.\n');
  });

  it('plan, replace, drop and create triggers', async () => {
    expect(await shop.must('triggers', 'plan')).toContain('Nothing to do');
    await shop.application.query('DROP TRIGGER hubspot_users_ad');
    expect(await shop.must('triggers', 'apply')).toContain('created hubspot_users_ad');
    // A trigger of an earlier mapping: it is replaced, for which MySQL locks the table.
    await replaceByAnother();
    expect(await shop.must('triggers', 'apply')).toContain('replaced hubspot_countries_au');
    expect(await shop.must('triggers', 'drop')).toContain('Dropped 15 triggers');
    await shop.applyTriggers();
  });

  it('take the outbox back and make it again', async () => {
    await shop.dropTriggers();
    expect(await shop.must('migrate', '--rollback')).toContain('Taken back');
    await shop.must('migrate');
    await shop.applyTriggers();
    await shop.must('backfill');
    await shop.must('once');
    expect(await shop.must('migrate', '--status')).toContain('done');
  });
});

describe('a right that is missing', () => {
  it.each([
    ['SELECT', 'users', 'once', /users/],
    ['SELECT', 'countries', 'once', /countries/],
    ['SELECT', 'hubspot_watch', 'once', /hubspot_watch/],
    ['INSERT', 'hubspot_worker', 'once', /hubspot_worker/],
    ['INSERT', 'hubspot_data', 'backfill', /hubspot_data/],
    ['UPDATE', 'hubspot_object', 'backfill', /hubspot_object/],
    ['SELECT', 'hubspot_backlog', 'status', /hubspot_backlog/],
  ])('of the worker, %s on %s, is named by %s', async (right, table, command, named) => {
    await without(shop.accounts.granted.running.account, right, table, async () => {
      await expectRefusal(command, named);
    });
  });

  it('of the triggers, INSERT on hubspot_mark, fails no statement of the application', async () => {
    await without(shop.accounts.granted.migrating.account, 'INSERT', 'hubspot_mark', async () => {
      await shop.application.query("UPDATE users SET first_name = 'Unnoticed' WHERE id = 2");
    });
    expect(await shop.select("SELECT id FROM users WHERE first_name = 'Unnoticed'")).toHaveLength(1);
  });

  it('of the triggers, TRIGGER on a watched table, fails the writes to it, as README says', async () => {
    await without(shop.accounts.granted.migrating.account, 'TRIGGER', 'countries', async () => {
      await expect(shop.application.query('UPDATE countries SET name = name')).rejects.toMatchObject({ errno: 1142 });
    });
    await shop.application.query('UPDATE countries SET name = name');
  });

  describe('of the migrating account, while no trigger stands,', () => {
    beforeAll(() => shop.dropTriggers());
    afterAll(() => shop.applyTriggers());

    it.each([
      ['TRIGGER', 'users', /TRIGGER.*users|users.*TRIGGER/s],
      ['SELECT', 'hubspot_object', /hubspot_object/],
      ['INSERT', 'hubspot_object', /hubspot_object/],
    ])('%s on %s, is named by triggers apply', async (right, table, named) => {
      await without(shop.accounts.granted.migrating.account, right, table, () =>
        expectRefusal('triggers apply', named),
      );
    });
  });

  describe('of the migrating account, while no outbox stands,', () => {
    beforeAll(async () => {
      await shop.dropTriggers();
      await shop.must('migrate', '--rollback');
      await shop.application.query('DROP TABLE hubspot_migration, hubspot_migration_lock');
    });

    it.each([
      ['CREATE', 'hubspot_data', /CREATE.*hubspot_data/],
      ['CREATE VIEW', 'hubspot_poison', /CREATE VIEW.*hubspot_poison/],
      ['DROP', 'hubspot_migration', /DROP.*hubspot_migration/],
    ])('%s on %s, is named by migrate, and nothing is half-applied', async (right, table, named) => {
      await without(shop.accounts.granted.migrating.account, right, table, () => expectRefusal('migrate', named));
      expect(await shop.select("SHOW TABLES LIKE 'hubspot%'")).toEqual([]);
    });
  });
});

async function grantsOf(mapping: string) {
  const file = join(folder, 'mapping.yaml');
  writeFileSync(file, mapping);
  const out = await shop.must('--config', file, 'grants', '--json');
  return JSON.parse(out) as typeof shop.accounts.granted;
}

async function without(account: string, right: string, table: string, work: () => Promise<void>): Promise<void> {
  const on = `ON \`${shop.database.name}\`.\`${table}\``;
  await shop.accounts.admin(`REVOKE ${right} ${on} FROM ${account}`);
  try {
    await work();
  } finally {
    // CREATE beside it: its table may not be there.
    const also = right.startsWith('CREATE') || right === 'DROP' ? ', CREATE' : '';
    await shop.accounts.admin(`GRANT ${right}${also} ${on} TO ${account}`);
  }
}

async function expectRefusal(command: string, named: RegExp): Promise<void> {
  const { code, out, err } = await shop.run(...command.split(' '));
  const said = `${out}${err}`;
  expect([1, 2], said).toContain(code);
  expect(err).toMatch(/^Error: /);
  expect(err).toMatch(named);
  expect(said).not.toMatch(/\n\s+at .*:\d+/);
}

/** As an earlier version of the program, or an earlier mapping, may have left it. */
async function replaceByAnother(): Promise<void> {
  const { accounts, database, application } = shop;
  await application.query('DROP TRIGGER hubspot_countries_au');
  const definer = accounts.granted.migrating.account;
  await application.query(
    `CREATE DEFINER = ${definer} TRIGGER hubspot_countries_au AFTER UPDATE ON ${database.name}.countries FOR EACH ROW
     hubspot_outbox: BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; END hubspot_outbox`,
  );
}
