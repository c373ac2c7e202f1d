import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describePlan } from '../../src/capture/describe.ts';
import { deriveAll, planTriggers } from '../../src/capture/plan.ts';
import type { Watch } from '../../src/capture/watch.ts';
import type { HandWatch } from '../../src/config/mapping.ts';
import { fillPlaceholders } from '../../src/config/placeholder.ts';
import { keyList } from '../../src/keys.ts';
import { type Captured, mappingOf, openCaptured } from './captured.ts';

const schema = `
  CREATE TABLE users (id INT PRIMARY KEY, country_id INT, email VARCHAR(190));
  CREATE TABLE countries (id INT PRIMARY KEY, name VARCHAR(40));
  CREATE TABLE tags (id INT PRIMARY KEY AUTO_INCREMENT, user_id INT, tag VARCHAR(20), kind INT)`;

const withCountry = mappingOf(
  `SELECT u.id AS source_id, c.name AS country FROM users u LEFT JOIN countries c ON c.id = u.country_id WHERE u.id IN (:ids)`,
);
const createIndex = 'CREATE INDEX `hubspot_country_id` ON `users` (`country_id`);';

describe('a join without an index', () => {
  let captured: Captured;
  beforeAll(async () => {
    captured = await openCaptured(schema);
  });
  afterAll(() => captured?.close());

  const warnings = async () => (await planTriggers(captured.db, withCountry)).warnings;

  it('is a note of the plan, with the index to create, though the tables are empty', async () => {
    const plan = await planTriggers(captured.db, withCountry);
    expect(plan.warnings).toEqual([
      `contacts: a change of countries reads the whole of users: no index begins with users.country_id. ${createIndex}`,
    ]);
    expect(describePlan(plan)).toContain(`\nNote: contacts: a change of countries reads the whole of users`);
    expect(plan.changes).toHaveLength(6);
  });

  it('is still noted when an index holds the column, but does not begin with it', async () => {
    await captured.application.query('CREATE INDEX by_email ON users (email, country_id)');
    expect(await warnings()).toHaveLength(1);
  });

  it('is not noted once what the note says is done', async () => {
    await captured.application.query(createIndex);
    expect(await warnings()).toEqual([]);
    await captured.application.query(
      'DROP INDEX hubspot_country_id ON users; CREATE INDEX more ON users (country_id, email)',
    );
    expect(await warnings()).toEqual([]);
  });
});

describe('records written by hand', () => {
  let captured: Captured;
  beforeAll(async () => {
    captured = await openCaptured(schema);
    await captured.application.query(`${numbersTable};
      INSERT INTO users SELECT n, n, n FROM numbers; INSERT INTO tags SELECT n, n, n, n FROM numbers`);
  });
  afterAll(() => captured?.close());

  const warnings = async (records: string) => {
    const watch: HandWatch = { table: 'tags', key: 'kind', columns: ['tag'], records };
    const query = 'SELECT u.id AS source_id, u.email FROM users u WHERE u.id IN (:ids)';
    return (await planTriggers(captured.db, mappingOf({ query, watch: [watch] }))).warnings;
  };

  it('are noted when EXPLAIN knows no index for them', async () => {
    const records = 'SELECT t.user_id FROM tags t WHERE t.kind IN (:keys)';
    expect(await warnings(records)).toEqual([
      'contacts: the records of watch.tags read the whole of t, for which EXPLAIN knows no index; CREATE INDEX on the column they compare there',
    ]);
    await captured.application.query('CREATE INDEX kind ON tags (kind)');
    expect(await warnings(records)).toEqual([]);
  });

  it('that the server refuses are noted with what it says, a question mark and all', async () => {
    expect(await warnings("SELECT '?', t.nobody FROM tags t WHERE t.kind IN (:keys)")).toEqual([
      expect.stringMatching(/^contacts: the records of watch\.tags cannot be explained: .+/),
    ]);
  });
});

const types = {
  integer: 'INT',
  unsigned: 'BIGINT UNSIGNED',
  text: 'VARCHAR(20)',
  fixed: 'CHAR(20)',
  latin: 'VARCHAR(20) CHARACTER SET latin1',
  bytewise: 'VARCHAR(20) COLLATE utf8mb4_bin',
  narrow: 'VARCHAR(20) CHARACTER SET utf8',
  day: 'DATE',
  moment: 'DATETIME',
  bytes: 'VARBINARY(20)',
};
const names = Object.keys(types) as (keyof typeof types)[];
const pairs = names.flatMap((from) => names.map((to) => ({ from, to })));

const numbersTable = `CREATE TABLE numbers (n INT PRIMARY KEY);
  INSERT INTO numbers SELECT 1 + a.d + 10 * b.d + 100 * c.d FROM
    (SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) a,
    (SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) b,
    (SELECT 0 AS d UNION SELECT 1 UNION SELECT 2) c`;

// The rule is checked against what the server itself says, once its tables hold rows enough for a scan to be dear.
describe('a step that the server scans for', () => {
  let captured: Captured;
  beforeAll(async () => {
    captured = await openCaptured(numbersTable);
    for (const name of names) {
      const value = /^DATE/.test(types[name]) ? "DATE_ADD('2020-01-01', INTERVAL n DAY)" : 'n';
      await captured.application.query(`
        CREATE TABLE t_${name} (id INT PRIMARY KEY, v ${types[name]}, w INT, KEY (v), KEY (w)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
        INSERT INTO t_${name} SELECT n, ${value}, n FROM numbers;
        ANALYZE TABLE t_${name}`);
    }
  });
  afterAll(() => captured?.close());

  const scans = async (watch: Watch | undefined): Promise<boolean> => {
    if (watch?.records == null) throw new Error('expected a watch that is followed by SQL');
    const samples = { integer: ['5', '6'], text: ['2020-02-01', '2020-03-01'], binary: ['35', '36'] };
    const select = fillPlaceholders(watch.records.select, { keys: keyList(watch.note.kind, samples[watch.note.kind]) });
    const [plan] = await captured.db.raw(`EXPLAIN FORMAT=TRADITIONAL ${select}`);
    return (plan as { type: string }[]).some(({ type }) => type === 'ALL' || type === 'index');
  };

  const expectNoted = async (changed: string, root: string, query: string, isAlike: boolean) => {
    const mapping = mappingOf({ query, key: `${root}.id` });
    const { watches, warnings } = await deriveAll(captured.db, mapping);
    const isNoted = warnings.some((warning) => warning.includes(`a change of ${changed} reads the whole of`));
    const isScanned = await scans(watches.find(({ table, path }) => table === changed && path.length > 0));
    if (isScanned) expect(isNoted).toBe(true);
    if (isAlike) expect({ isNoted, isScanned }).toEqual({ isNoted: false, isScanned: false });
  };

  it.each(pairs)('is noted, by a noted $from that is looked up as $to', async ({ from, to }) => {
    const query = `SELECT r.id AS source_id, s.w FROM t_${to} r LEFT JOIN t_${from} s ON s.v = r.v WHERE r.id IN (:ids)`;
    await expectNoted(`t_${from}`, `t_${to}`, query, from === to);
  });

  it.each(pairs)('is noted, from a column of $from to one of $to', async ({ from, to }) => {
    const query = `SELECT r.id AS source_id, z.n FROM t_${to} r LEFT JOIN t_${from} s ON s.v = r.v
      LEFT JOIN numbers z ON z.n = s.w WHERE r.id IN (:ids)`;
    await expectNoted('numbers', `t_${to}`, query, from === to);
  });
});
