import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyTriggers, dropTriggers } from '../../src/capture/apply.ts';
import { describePlan } from '../../src/capture/describe.ts';
import { planTriggers } from '../../src/capture/plan.ts';
import { loadWatches } from '../../src/capture/registry.ts';
import { Fold } from '../../src/outbox/fold.ts';
import { type Captured, mappingOf, openCaptured, readTriggers, takeMarks } from './captured.ts';
import { rootOnly, where, withCountries, withDetails } from './userMappings.ts';

const schema = `
  CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), first_name VARCHAR(40), country_id INT, KEY (country_id));
  CREATE TABLE details (user_id INT PRIMARY KEY, phone VARCHAR(30), city VARCHAR(30));
  CREATE TABLE countries (id INT PRIMARY KEY, name VARCHAR(40));
  CREATE TABLE audit (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(80));
  INSERT INTO users VALUES (1, 'ann@x.de', 'Ann', 1), (2, 'bob@x.de', 'Bob', 1), (3, 'cid@x.de', 'Cid', 2);
  INSERT INTO details VALUES (1, '+49 1', 'Ulm'), (2, '+49 2', 'Ulm');
  INSERT INTO countries VALUES (1, 'Germany'), (2, 'France')`;

const threeOf = (table: string) =>
  [
    ['d', 'DELETE'],
    ['i', 'INSERT'],
    ['u', 'UPDATE'],
  ].map(([letter, event]) => `hubspot_${table}_a${letter} AFTER ${event} ${table}`);

let captured: Captured;
beforeEach(async () => {
  captured = await openCaptured(schema);
});
afterEach(() => captured.close());

describe('triggers', () => {
  it('are planned, then applied as planned, and then there is nothing to do', async () => {
    const planned = await planTriggers(captured.db, withDetails);
    expect(planned.changes.map(({ kind }) => kind)).toEqual(Array(6).fill('missing'));
    expect(await readTriggers(captured.db)).toEqual([]);

    const applied = await applyTriggers(captured.db, withDetails);
    expect(applied.changes).toEqual(planned.changes);
    expect(await readTriggers(captured.db)).toEqual([...threeOf('details'), ...threeOf('users')]);

    const again = await planTriggers(captured.db, withDetails);
    expect(again).toMatchObject({ changes: [], unchanged: 6 });
    expect(describePlan(again)).toMatch(/Nothing to do: 6 triggers stand as the mapping asks\.$/);
    expect(describePlan(again)).toContain('The triggers run with the rights of root@');
  });

  it('are replaced where the mapping asks for other columns, and only there', async () => {
    await applyTriggers(captured.db, withDetails);
    const changed = mappingOf(
      `SELECT u.id AS source_id, u.email, d.phone, d.city FROM users u LEFT JOIN details d ON d.user_id = u.id ${where}`,
    );
    const { changes } = await applyTriggers(captured.db, changed);
    expect(changes).toMatchObject([{ kind: 'changed', trigger: { name: 'hubspot_details_au' } }]);
    expect(await planTriggers(captured.db, changed)).toMatchObject({ changes: [], unchanged: 6 });

    await captured.application.query("UPDATE details SET city = 'Bonn' WHERE user_id = 2");
    expect(await takeMarks(captured.db)).toEqual(['details 2']);
  });

  it('that nobody asks for any more are dropped', async () => {
    await applyTriggers(captured.db, withDetails);
    const { changes } = await applyTriggers(captured.db, rootOnly);
    expect(changes.map((change) => change.kind === 'orphaned' && change.table)).toEqual(Array(3).fill('details'));
    expect(await readTriggers(captured.db)).toEqual(threeOf('users'));
  });

  it('that somebody altered or removed are put right', async () => {
    await applyTriggers(captured.db, rootOnly);
    await captured.application.query(`DROP TRIGGER hubspot_users_ai; DROP TRIGGER hubspot_users_au;
      CREATE TRIGGER hubspot_users_au AFTER UPDATE ON users FOR EACH ROW hubspot_outbox: BEGIN END`);
    const { changes } = await applyTriggers(captured.db, rootOnly);
    expect(changes).toMatchObject([
      { kind: 'missing', trigger: { name: 'hubspot_users_ai' } },
      { kind: 'changed', trigger: { name: 'hubspot_users_au' } },
    ]);
    await captured.application.query("UPDATE users SET email = 'x' WHERE id = 3");
    expect(await takeMarks(captured.db)).toEqual(['users 3']);
  });

  it("are all dropped, and the application's own stay", async () => {
    await captured.application.query(`
      CREATE TRIGGER keep_me BEFORE UPDATE ON users FOR EACH ROW SET NEW.first_name = TRIM(NEW.first_name);
      CREATE TRIGGER hubspot_of_theirs AFTER INSERT ON audit FOR EACH ROW SET @seen = 1`);
    const theirs = await readTriggers(captured.db);
    await applyTriggers(captured.db, withDetails);
    const dropped = await dropTriggers(captured.db);
    expect(dropped.sort()).toEqual(
      ['details', 'users'].flatMap((table) => ['d', 'i', 'u'].map((letter) => `hubspot_${table}_a${letter}`)),
    );
    expect(await readTriggers(captured.db)).toEqual(theirs);
    expect(await dropTriggers(captured.db)).toEqual([]);
  });

  it('take names of any characters and the greatest length', async () => {
    const table = `a\`b ?"'.;--é${'x'.repeat(52)}`;
    const quoted = `\`${table.replaceAll('`', '``')}\``;
    await captured.application.query(`CREATE TABLE ${quoted} (\`ke?y\` INT PRIMARY KEY, \`wo\`\`rd ?\` VARCHAR(20))`);
    const mapping = mappingOf({
      query: `SELECT u.id AS source_id, u.email FROM users u ${where}`,
      watch: [{ table, key: 'ke?y', columns: ['wo`rd ?'], records: 'SELECT id FROM users WHERE id IN (:keys)' }],
    });
    await applyTriggers(captured.db, mapping);
    expect((await planTriggers(captured.db, mapping)).changes).toEqual([]);
    await captured.application.query(
      `INSERT INTO ${quoted} VALUES (7, '?'); UPDATE ${quoted} SET \`wo\`\`rd ?\` = '??'`,
    );
    expect(await takeMarks(captured.db)).toEqual([`${table} 7`, `${table} 7`]);
    await dropTriggers(captured.db);
    expect(await readTriggers(captured.db)).toEqual([]);
  });
});

describe('a changed mapping', () => {
  it('loses no mark that was noted under the earlier one', async () => {
    await applyTriggers(captured.db, withCountries);
    await captured.application.query("UPDATE countries SET name = 'Deutschland' WHERE id = 1");
    await applyTriggers(captured.db, rootOnly);
    await captured.application.query("UPDATE users SET email = 'new@x.de' WHERE id = 3");
    expect(await fold(captured)).toEqual(['1', '2', '3']);
  });

  it('that comes back notes under the ids it had', async () => {
    const first = await applyTriggers(captured.db, withDetails);
    await applyTriggers(captured.db, withCountries);
    const third = await applyTriggers(captured.db, withDetails);
    const ids = ({ watches }: typeof first) => watches.map(({ table, id }) => [table, id]);
    expect(ids(third)).toEqual(ids(first));
    const [retired] = await captured.db.raw('SELECT table_name FROM hubspot_watch WHERE retired_at IS NOT NULL');
    expect(retired).toEqual([{ table_name: 'countries' }]);
  });
});

/** Folds everything; the ids that are due then. */
async function fold({ db }: Captured): Promise<string[]> {
  const watches = await loadWatches(db);
  const { broken, marks } = await new Fold(db).run(watches);
  expect({ broken, isSome: marks > 0 }).toEqual({ broken: [], isSome: true });
  expect((await db.raw('SELECT id FROM hubspot_mark'))[0]).toEqual([]);
  const [rows] = await db.raw("SELECT source_id FROM hubspot_data WHERE status = 'pending' ORDER BY source_id");
  return (rows as { source_id: string }[]).map(({ source_id: id }) => id);
}
