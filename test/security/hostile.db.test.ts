import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ConfigurationError } from '../../src/errors.ts';
import { isHarmless, openTrip, type Trip } from './trip.ts';

const SEED = 20_261_128;

// What has a meaning in SQL, in knex, in a regular expression, in JSON, on a terminal, or in JavaScript.
const PIECES = [
  ...[
    '`',
    '``',
    "'",
    "''",
    '"',
    '\\',
    '\\\\',
    '?',
    '??',
    ':ids',
    ':keys',
    ':id',
    '%',
    '%s',
    '_',
    '$&',
    '$1',
    '{{watch}}',
  ],
  ...['; DROP TABLE victim; -- ', "' OR '1'='1", '/*', '*/', '-- ', '#', ',', '(', ')', '@@version', '.', ' ', '\t'],
  ...['ä', 'ß', 'İ', '日本', '\u202eabc', '\u200b', '\ufeff', '__proto__', 'constructor', 'x', 'Y', '0'],
];
const ONLY_IN_VALUES = [
  '\0',
  '\n',
  '\r\n',
  '\x1a',
  '\x1b[31m',
  '\x1b]0;title\x07',
  '\u009b2J',
  '😀',
  '🏴‍☠️',
  '\u2028',
  '  ',
];

const texts = (pieces: readonly string[], most: number) =>
  fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 }).map((parts) => cut(parts.join(''), most));
const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number, seed = SEED) =>
  fc.sample(arbitrary, { seed, numRuns: count });

let trip: Trip;
beforeAll(async () => {
  trip = await openTrip();
  await trip.application.query(
    "CREATE TABLE victim (id INT PRIMARY KEY, name VARCHAR(20)) ENGINE=InnoDB; INSERT INTO victim VALUES (1, 'unharmed')",
  );
});
afterAll(() => trip?.close());

describe('keys and values of the tables, whatever stands in them', () => {
  /** By key: as the server holds them, which knows no difference between some of those we made. */
  let people: Map<string, { email: string; name: string; note: string | null }>;

  beforeAll(async () => {
    await trip.application.query(
      `CREATE TABLE people (code VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,
         email VARCHAR(100), name VARCHAR(190) CHARACTER SET utf8mb4) ENGINE=InnoDB;
       CREATE TABLE notes (person_code VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,
         note VARCHAR(190) CHARACTER SET utf8mb4) ENGINE=InnoDB`,
    );
    await trip.apply(PEOPLE);
    const keys = ['', ' ', "'", '\\', '\0', '__proto__', 'constructor', ...sample(hostileText(100), 80)];
    const values = sample(hostileText(180), keys.length, SEED + 1);
    for (const [index, key] of keys.entries()) {
      const email = index % 8 === 7 ? `bad ${index}@` : `p${index}@example.com`;
      await trip.application.query('INSERT IGNORE INTO people VALUES (?, ?, ?)', [key, email, values[index]]);
      await trip.application.query('INSERT IGNORE INTO notes VALUES (?, ?)', [key, values[keys.length - 1 - index]]);
    }
    people = await readPeople();
    await trip.drain();
  });

  it('arrive as they are', async () => {
    expect(people.size).toBeGreaterThan(60);
    await expectArrived(people);
  });

  it('are told apart in the outbox as the server tells them apart', async () => {
    const [rows] = await trip.db.raw("SELECT source_id, status FROM hubspot_data WHERE object = 'contacts'");
    const statuses = new Map(
      (rows as { source_id: string; status: string }[]).map((row) => [row.source_id, row.status]),
    );
    expect([...statuses.keys()].sort()).toEqual([...people.keys()].sort());
    for (const [key, person] of people) expect(statuses.get(key), key).toBe(isRefused(person) ? 'poison' : 'synced');
  });

  it('are followed through a join when they change, one by one', async () => {
    const keys = [...people.keys()];
    for (const [index, key] of keys.entries()) {
      const value = sample(hostileText(180), 1, SEED + 100 + index)[0]?.replaceAll('\0', '');
      const [table, column, by] = index % 2 === 0 ? ['notes', 'note', 'person_code'] : ['people', 'name', 'code'];
      await trip.application.query('UPDATE ?? SET ?? = ? WHERE ?? = ?', [table, column, value, by, key]);
    }
    await trip.drain();
    await expectArrived(await readPeople());
  });

  it('are moved by a change of the key itself, and nothing of the old one waits', async () => {
    const keys = [...(await readPeople())].flatMap(([key, person]) => (isRefused(person) ? [] : [key])).slice(0, 10);
    for (const key of keys) {
      await trip.application.query("UPDATE people SET code = CONCAT(code, '''moved') WHERE code = ?", [key]);
    }
    await trip.drain();
    const [rows] = await trip.db.raw("SELECT source_id FROM hubspot_data WHERE status = 'gone'");
    expect((rows as { source_id: string }[]).map((row) => row.source_id).sort()).toEqual([...keys].sort());
    await expectArrived(await readPeople());
  });

  it('are shown by poison list and poison show as harmless lines', async () => {
    const [all, text, shown] = await Promise.all([
      trip.run('poison', 'list', '--all', '--json'),
      trip.run('poison', 'list', '--all'),
      trip.run('poison', 'list'),
    ]);
    const bad = [...(await readPeople())].filter(([, person]) => isRefused(person));
    const listed = JSON.parse(all.out) as { source_id: string }[];
    expect(listed.map((row) => row.source_id).sort()).toEqual(bad.map(([key]) => key).sort());
    expect(text.out.trimEnd().split('\n')).toHaveLength(bad.length + 1);
    for (const { out, err } of [all, text, shown]) expect(isHarmless(out) && err === '', out + err).toBe(true);
  });

  it('lead poison show and poison retry to just the row they name', async () => {
    const bad = [...(await readPeople())].filter(
      ([key, { email }]) => isBad(email) && !key.includes('\0') && key !== '',
    );
    const [key, { email } = { email: '' }] = bad.find(([each]) => /['"\\%]/.test(each)) ?? bad[0] ?? [''];
    const shown = await trip.run('poison', 'show', '--json', '--', `contacts/${key}`);
    expect(JSON.parse(shown.out)).toMatchObject({ source_id: key, status: 'poison', error_value: email });
    const told = await trip.run('poison', 'show', '--', `contacts/${key}`);
    expect(isHarmless(told.out), told.out).toBe(true);
    const retried = await trip.run('poison', 'retry', '--yes', '--', `contacts/${key}`);
    expect(retried.out).toBe('1 poisoned row due again.\n');
    expect(await trip.drain()).toMatchObject({ claimed: 1, poison: 1 });
  });

  it('leave every log line one JSON object, and the rest of the database as it was', async () => {
    for (const line of trip.logged().trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
    expect((await trip.application.query('SELECT * FROM victim'))[0]).toEqual([{ id: 1, name: 'unharmed' }]);
  });

  async function readPeople() {
    const [rows] = await trip.application.query(
      'SELECT p.code, p.email, p.name, n.note FROM people p LEFT JOIN notes n ON n.person_code = p.code',
    );
    return new Map(
      (rows as { code: string; email: string; name: string; note: string | null }[]).map((row) => [row.code, row]),
    );
  }

  async function expectArrived(now: typeof people): Promise<void> {
    const records = await trip.sandbox.records('contacts');
    const byEmail = new Map(records.map(({ properties }) => [properties.email, properties]));
    const good = [...now.values()].filter((person) => !isRefused(person));
    for (const { email, name, note } of good) {
      const { firstname = '', lastname = '' } = byEmail.get(email) ?? {};
      expect({ email, firstname, lastname }).toEqual({ email, firstname: name, lastname: note ?? '' });
    }
    expect(records).toHaveLength(good.length);
    expect((await trip.db.raw('SELECT * FROM hubspot_mark'))[0]).toEqual([]);
  }
});

const PEOPLE = `
objects:
  contacts:
    match_on: email
    key: people.code
    query: |
      SELECT p.code AS source_id, p.email, p.name AS firstname, n.note AS lastname
      FROM people p LEFT JOIN notes n ON n.person_code = p.code WHERE p.code IN (:ids)
`;

describe('names of tables and columns, whatever stands in them', () => {
  const names = sample(fc.tuple(texts(PIECES, 64), texts(PIECES, 64), texts(PIECES, 64)), 24, SEED + 7);
  const longest = ['`'.repeat(64), `${'日'.repeat(63)}'`, 'n'.repeat(64)] as const;

  it('either work the whole way or are refused, and touch nothing else', async () => {
    let worked = 0;
    for (const [index, named] of [longest, ...names].entries()) {
      const [table, key, column] = named.map((name) => name.trimEnd()) as [string, string, string];
      if (table === '' || key === '' || column === '' || key.toLowerCase() === column.toLowerCase()) continue;
      if (await tryNames(index, table, key, column)) worked += 1;
    }
    expect(worked).toBeGreaterThan(10);
    expect((await trip.application.query('SELECT * FROM victim'))[0]).toEqual([{ id: 1, name: 'unharmed' }]);
  });

  /** False when the names are refused, clearly and before anything stands. */
  async function tryNames(index: number, table: string, key: string, column: string): Promise<boolean> {
    const { application, db, sandbox } = trip;
    const [root, quoted] = [`roots${index}`, { table: q(table), key: q(key), column: q(column) }];
    await application.query(`CREATE TABLE ${root} (id INT PRIMARY KEY, email VARCHAR(50)) ENGINE=InnoDB`);
    const created = await application
      .query(`CREATE TABLE ${quoted.table} (${quoted.key} INT PRIMARY KEY, ${quoted.column} VARCHAR(50)) ENGINE=InnoDB`)
      .then(
        () => true,
        () => false,
      );
    // A name that no server takes is none of ours.
    if (!created) return false;
    const before = await triggerNames();
    try {
      await trip.apply(mappingOf(root, quoted, table, key, column));
    } catch (error) {
      expect(error, JSON.stringify([table, key, column])).toBeInstanceOf(ConfigurationError);
      expect(await triggerNames()).toEqual(before);
      return false;
    }
    await application.query(`INSERT INTO ${root} VALUES (1, 'i${index}@example.com')`);
    await application.query(`INSERT INTO ${quoted.table} VALUES (1, 'first')`);
    await trip.drain();
    expect(await nameOf(index)).toBe('first');
    await application.query(`UPDATE ${quoted.table} SET ${quoted.column} = 'second'`);
    await trip.drain();
    expect(await nameOf(index), JSON.stringify([table, key, column])).toBe('second');
    expect((await db.raw('SELECT * FROM hubspot_mark'))[0]).toEqual([]);
    return true;

    async function nameOf(which: number): Promise<string | undefined> {
      const records = await sandbox.records('contacts');
      return records.find(({ properties }) => properties.email === `i${which}@example.com`)?.properties.firstname;
    }
  }

  async function triggerNames(): Promise<string[]> {
    const [rows] = await trip.application.query('SHOW TRIGGERS');
    return (rows as { Trigger: string }[]).map((row) => row.Trigger).sort();
  }

  /** Each second one is watched by hand as well. */
  function mappingOf(root: string, quoted: Record<string, string>, table: string, key: string, column: string): string {
    const byHand = { [table]: { key, columns: [column], records: `SELECT id FROM ${root} WHERE id IN (:keys)` } };
    return stringify({
      objects: {
        // A name of its own: rows of another key are never taken for its own.
        [root]: {
          type: 'contacts',
          match_on: 'email',
          key: `${root}.id`,
          query: `SELECT r.id AS source_id, r.email, d.${quoted.column} AS firstname FROM ${root} r
                  LEFT JOIN ${quoted.table} d ON d.${quoted.key} = r.id WHERE r.id IN (:ids)`,
          ...(root.endsWith('1') || root.endsWith('3') ? { watch: byHand } : {}),
        },
      },
    });
  }
});

function hostileText(most: number): fc.Arbitrary<string> {
  return texts([...PIECES, ...ONLY_IN_VALUES], most);
}

/** Whole characters only. */
function cut(text: string, most: number): string {
  let kept = '';
  for (const character of text) {
    if ((kept + character).length > most) break;
    kept += character;
  }
  return kept;
}

/** HubSpot takes no such e-mail, and no text holds NUL. */
function isRefused({ email, name, note }: { email: string; name: string; note: string | null }): boolean {
  return isBad(email) || `${name}${note}`.includes('\0');
}

function isBad(email: string): boolean {
  return email.startsWith('bad ');
}

function q(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
