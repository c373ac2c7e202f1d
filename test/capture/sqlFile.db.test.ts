import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyTriggers } from '../../src/capture/apply.ts';
import { toSqlFile } from '../../src/capture/describe.ts';
import { planTriggers } from '../../src/capture/plan.ts';
import { loadWatches } from '../../src/capture/registry.ts';
import { findUnapplied } from '../../src/capture/unapplied.ts';
import type { Mapping } from '../../src/config/mapping.ts';
import { prepareObjects } from '../../src/objects.ts';
import { Fold } from '../../src/outbox/fold.ts';
import { runSqlFile } from '../support/sqlClient.ts';
import { type Captured, mappingOf, openCaptured, takeMarks } from './captured.ts';
import { rootOnly, where, withCountries, withDetails } from './userMappings.ts';

const schema = `
  CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), country_id INT, KEY (country_id));
  CREATE TABLE details (user_id INT PRIMARY KEY, phone VARCHAR(30));
  CREATE TABLE countries (id INT PRIMARY KEY, name VARCHAR(40));
  INSERT INTO users VALUES (1, 'ann@x.de', 1), (2, 'bob@x.de', 1), (3, 'cid@x.de', 2);
  INSERT INTO countries VALUES (1, 'Germany'), (2, 'France')`;

let captured: Captured;
beforeEach(async () => {
  captured = await openCaptured(schema);
});
afterEach(() => captured.close());

/** Lets a DBA's client run what `triggers plan --sql` prints. */
async function runPlanned(mapping: Mapping): Promise<void> {
  const client = await runSqlFile(captured.database, toSqlFile(await planTriggers(captured.db, mapping)));
  console.log(`${captured.database.kind}: the file for a DBA was run by ${client}`);
}

describe('the file for a DBA', () => {
  it('makes just what apply makes, from nothing and from an earlier mapping', async () => {
    for (const mapping of [withDetails, withCountries]) {
      await runPlanned(mapping);
      expect(await planTriggers(captured.db, mapping)).toMatchObject({ changes: [], unchanged: 6 });
      expect(await findUnapplied(captured.db, await prepareObjects(captured.db, mapping))).toEqual([]);
    }
    await captured.application.query("UPDATE countries SET name = 'Frankreich' WHERE id = 2");
    expect(await fold(captured)).toEqual(['3']);

    const books = () => captured.db.raw('SELECT id, object, definition, retired_at IS NULL AS used FROM hubspot_watch');
    const objects = () => captured.db.raw('SELECT * FROM hubspot_object');
    const [[watches], [remembered]] = [await books(), await objects()];
    expect((await applyTriggers(captured.db, withCountries)).changes).toEqual([]);
    expect((await books())[0]).toEqual(watches);
    expect((await objects())[0]).toEqual(remembered);
  });

  it('takes names and texts of any characters', async () => {
    const table = `a\`b ?"'.;$$--éß`;
    const quoted = `\`${table.replaceAll('`', '``')}\``;
    await captured.application.query(`CREATE TABLE ${quoted} (\`ke?y\` INT PRIMARY KEY, \`wo\`\`rd ;\` VARCHAR(20))`);
    const records = `SELECT id FROM users WHERE email <> 'it''s "?" \\\\ ; $$ 🙂\n-- DELIMITER ;;' AND id IN (:keys)`;
    const mapping = mappingOf({
      query: `SELECT u.id AS source_id, u.email FROM users u ${where}`,
      watch: [{ table, key: 'ke?y', columns: ['wo`rd ;'], records }],
    });
    await runPlanned(mapping);
    expect((await planTriggers(captured.db, mapping)).changes).toEqual([]);
    const stored = [...(await loadWatches(captured.db)).values()].map((watch) => watch.records?.select);
    await captured.application.query(`INSERT INTO ${quoted} VALUES (3, '?'); UPDATE ${quoted} SET \`wo\`\`rd ;\` = ''`);
    expect(await takeMarks(captured.db)).toEqual([`${table} 3`, `${table} 3`]);
    await applyTriggers(captured.db, mapping);
    expect([...(await loadWatches(captured.db)).values()].map((watch) => watch.records?.select)).toEqual(stored);
    expect(stored.join()).toContain('🙂');
  });

  it('lets nobody write between an old trigger and the new', async () => {
    await applyTriggers(captured.db, rootOnly);
    expect(toSqlFile(await planTriggers(captured.db, withCountries))).toMatch(
      /LOCK TABLES `users` WRITE;\nDROP TRIGGER IF EXISTS `hubspot_users_au`;\nDELIMITER \$\$\nCREATE TRIGGER `hubspot_users_au`[\s\S]*?\$\$\nDELIMITER ;\nUNLOCK TABLES;/,
    );
  });
});

/** Folds everything; the ids that are due then. */
async function fold({ db }: Captured): Promise<string[]> {
  const { broken } = await new Fold(db).run(await loadWatches(db));
  expect(broken).toEqual([]);
  const [rows] = await db.raw("SELECT source_id FROM hubspot_data WHERE status = 'pending' ORDER BY source_id");
  return (rows as { source_id: string }[]).map(({ source_id: id }) => id);
}
