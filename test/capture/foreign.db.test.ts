import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applyTriggers, dropTriggers } from '../../src/capture/apply.ts';
import { takesSeveralTriggers } from '../../src/capture/installed.ts';
import { planTriggers } from '../../src/capture/plan.ts';
import { ConfigurationError } from '../../src/errors.ts';
import { runProgram } from '../support/program.ts';
import { type Captured, mappingOf, openCaptured, readTriggers, takeMarks } from './captured.ts';

const schema = `
  CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), first_name VARCHAR(40));
  CREATE TABLE audit (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(80));
  INSERT INTO users VALUES (1, 'ann@x.de', 'Ann'), (2, 'bob@x.de', 'Bob')`;

const query = 'SELECT u.id AS source_id, u.email FROM users u WHERE u.id IN (:ids)';
const mapping = mappingOf(query);

const AUDIT =
  "CREATE TRIGGER their_audit AFTER UPDATE ON users FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('user ', NEW.id))";
const TRIM = 'CREATE TRIGGER their_trim BEFORE UPDATE ON users FOR EACH ROW SET NEW.email = TRIM(NEW.email)';
const OUR_NAME = 'CREATE TRIGGER hubspot_users_ai BEFORE INSERT ON users FOR EACH ROW SET NEW.email = TRIM(NEW.email)';

let captured: Captured;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-foreign-'));
  const lines = ['objects:', '  contacts:', '    match_on: email', '    key: users.id', `    query: ${query}`];
  writeFileSync(join(folder, 'hubspot-outbox.yaml'), lines.join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  captured = await openCaptured(schema);
});
afterEach(() => captured.close());

const run = (...args: string[]) => runProgram(args, { DATABASE_URL: captured.database.url }, folder);

/** Nothing of ours stands, and nothing is stored. */
async function expectUntouched(...triggers: string[]): Promise<void> {
  expect(await readTriggers(captured.db)).toEqual(triggers);
  expect((await captured.db.raw('SELECT id FROM hubspot_watch'))[0]).toEqual([]);
  expect((await captured.db.raw('SELECT object FROM hubspot_object'))[0]).toEqual([]);
}

describe("the application's own triggers", () => {
  it('after the same event run beside ours where a server takes several, and are refused clearly elsewhere', async () => {
    await captured.application.query(AUDIT);
    if (await takesSeveralTriggers(captured.db)) {
      await applyTriggers(captured.db, mapping);
      await captured.application.query("UPDATE users SET email = 'new@x.de' WHERE id = 2");
      expect((await captured.application.query('SELECT what FROM audit'))[0]).toEqual([{ what: 'user 2' }]);
      expect(await takeMarks(captured.db)).toEqual(['users 2']);
      return;
    }
    const refusal = await applyTriggers(captured.db, mapping).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(refusal).toMatchObject({
      code: 'FOREIGN_TRIGGER',
      problems: [
        {
          where: 'users',
          message: expect.stringMatching(
            /^the trigger their_audit \(AFTER UPDATE, of root@\S+\) is in the way: this server takes one trigger .* let its owner drop it, or upgrade/,
          ),
        },
      ],
    });
    await expectUntouched('their_audit AFTER UPDATE users');
  });

  it('before the event are no hindrance anywhere, and ours note what they made of the row', async () => {
    await captured.application.query(
      'CREATE TRIGGER their_id BEFORE INSERT ON users FOR EACH ROW SET NEW.id = NEW.id + 100',
    );
    await applyTriggers(captured.db, mapping);
    await captured.application.query("INSERT INTO users (id, email) VALUES (4, 'dan@x.de')");
    expect(await takeMarks(captured.db)).toEqual(['users 104']);
  });

  it('under a name of ours are refused, and left alone', async () => {
    await captured.application.query(OUR_NAME);
    await expect(applyTriggers(captured.db, mapping)).rejects.toMatchObject({
      code: 'FOREIGN_TRIGGER',
      problems: [{ where: 'users', message: expect.stringMatching(/^the trigger hubspot_users_ai .* rename or drop/) }],
    });
    await dropTriggers(captured.db);
    await expectUntouched('hubspot_users_ai BEFORE INSERT users');
  });

  it('of tables that nobody watches are no concern', async () => {
    await captured.application.query('CREATE TRIGGER theirs AFTER INSERT ON audit FOR EACH ROW SET @seen = 1');
    expect((await planTriggers(captured.db, mapping)).foreign).toEqual([]);
  });
});

describe('a plan beside triggers of others', () => {
  it('tells them with all the rest, and that they stay', async () => {
    await captured.application.query(TRIM);
    const { code, out, err } = await run('triggers', 'plan');
    expect(`${code} ${err}`).toBe('0 ');
    expect(out).toMatch(/^ {2}users: the trigger their_trim \(BEFORE UPDATE, of root@\S+\); ours stand beside it$/m);
    expect(out).toContain('Triggers of others, which stay as they are:');
    expect(out).toMatch(/^3 to change, 0 unchanged:$/m);
    expect(out).toMatch(/hubspot-outbox triggers apply does it\.\n$/);
    const { foreign } = JSON.parse((await run('triggers', 'plan', '--json')).out);
    expect((await run('triggers', 'plan', '--sql')).out).toMatch(
      /^-- "their_trim" on "users" is not ours and stays\.$/m,
    );
    expect(foreign).toMatchObject([
      { name: 'their_trim', table: 'users', timing: 'BEFORE', event: 'UPDATE', obstacle: null },
    ]);
  });

  it('tells the one in the way with all the rest, and ends as apply would', async () => {
    await captured.application.query(`${TRIM}; ${OUR_NAME}`);
    const planned = await run('triggers', 'plan');
    expect(planned.out).toMatch(/hubspot_users_ai \(BEFORE INSERT, of \S+\); in the way: ours has the same name/);
    expect(planned.out).toContain('the trigger their_trim');
    expect(planned.out).toContain('CREATE TRIGGER `hubspot_users_au`');
    expect(planned.out).toMatch(/triggers apply does none of it while a trigger of others is in the way\.\n$/);
    const asJson = await run('triggers', 'plan', '--json');
    expect(JSON.parse(asJson.out).foreign).toHaveLength(2);
    const applied = await run('triggers', 'apply');
    expect(applied.out).toBe('');
    expect(applied.err).toMatch(/^Error: the triggers for hubspot-outbox\.yaml find no room\n {2}users: the trigger/);
    for (const { code, err } of [planned, asJson, applied]) expect([code, err]).toEqual([2, applied.err]);
    await expectUntouched('hubspot_users_ai BEFORE INSERT users', 'their_trim BEFORE UPDATE users');
  });

  it('prints no file that would stop half-way', async () => {
    await captured.application.query(OUR_NAME);
    const { code, out, err } = await run('triggers', 'plan', '--sql');
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('hubspot_users_ai');
  });
});
