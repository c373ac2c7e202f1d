import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Granting, grantsFor } from '../../src/database/grants.ts';
import { ConfigurationError } from '../../src/errors.ts';

const granting: Granting = {
  database: 'my_shop',
  account: 'outbox',
  host: '%',
  watched: [{ name: 'users' }],
  read: [],
  functions: [],
  server: { isMariaDb: false, version: 90_700, hasPartialRevokes: false },
};

it.each([
  ['a backslash', { account: 'a\\b' }],
  ['a line break', { account: 'a\nb' }],
  ['nothing', { account: '' }],
  ['NUL', { host: '%\0' }],
  ['a backslash in front of a quote', { host: "%\\' TO root" }],
  ['more characters than MySQL takes', { account: 'a'.repeat(27) }],
  [
    'more characters than MySQL 5.6 takes',
    { account: 'a'.repeat(11), server: { ...granting.server, version: 50_624 } },
  ],
])('refuses %s in the name of an account', (_, changed) => {
  expect(() => grantsFor({ ...granting, ...changed })).toThrow(ConfigurationError);
});

it('quotes every name, whatever stands in it', () => {
  const strange = { ...granting, account: "o'b", database: 'a`b', watched: [{ name: 'x` y' }], functions: ['f`'] };
  const { migrating, running } = grantsFor(strange);
  expect(running.account).toBe("'o''b'@'%'");
  expect(running.statements[0]).toBe("GRANT SELECT ON `a``b`.`x`` y` TO 'o''b'@'%'");
  expect(running.statements[1]).toBe("GRANT EXECUTE ON FUNCTION `a``b`.`f``` TO 'o''b'@'%'");
  expect(migrating.statements).toContain("GRANT SELECT, TRIGGER ON `a``b`.`x`` y` TO 'o''b_admin'@'%'");
});

it('escapes what is a wildcard in the name of a database, and only where it is one', () => {
  const lockOf = (changed: Partial<Granting>) => grantsFor({ ...granting, ...changed }).migrating.statements.at(-1);
  expect(lockOf({})).toBe("GRANT LOCK TABLES ON `my\\_shop`.* TO 'outbox_admin'@'%'");
  expect(lockOf({ server: { ...granting.server, hasPartialRevokes: true } })).toContain('ON `my_shop`.*');
  expect(grantsFor(granting).migrating.statements[0]).toContain('ON `my_shop`.`hubspot_migration`');
});

it('locks no table on MariaDB, which replaces a trigger in one statement', () => {
  const { migrating } = grantsFor({ ...granting, server: { ...granting.server, isMariaDb: true, version: 101_100 } });
  expect(migrating.statements.filter((statement) => statement.includes('LOCK TABLES'))).toEqual([]);
});

it('names the tables of another database by it', () => {
  const { running } = grantsFor({ ...granting, read: [{ database: 'other', name: 'tags' }] });
  expect(running.statements).toContain("GRANT SELECT ON `other`.`tags` TO 'outbox'@'%'");
});

it('says what README says', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const watched = [{ name: 'users' }, { name: 'orders' }, { name: 'countries' }];
  const { migrating, running } = grantsFor({ ...granting, database: 'shop', watched });
  const said = readme.split('\n').filter((line) => line.startsWith('GRANT '));
  expect(said).toEqual([...migrating.statements, ...running.statements].map((statement) => `${statement};`));
});
