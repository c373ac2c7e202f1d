import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectMapping } from '../../src/config/mapping.ts';
import { connect, type Db } from '../../src/database/connect.ts';
import type { ColumnKind, SourceValue } from '../../src/source/column.ts';
import { load } from '../../src/source/load.ts';
import { convertValue } from '../../src/source/values.ts';
import { connectAsApplication, type TestDatabase, testDatabase } from '../support/database.ts';
import { property } from './definition.ts';

type Case = {
  /** The column's type in the table. */
  sql: string;
  /** What the application writes. */
  writes: string;
  kind: ColumnKind;
  loaded: SourceValue;
  /** HubSpot's type, and what it gets. */
  as: Record<string, string>;
};

const bytes = (...list: number[]) => Buffer.from(list);

const CASES: Record<string, Case> = {
  tiny: { sql: 'TINYINT', writes: '-128', kind: 'integer', loaded: '-128', as: { number: '-128', string: '-128' } },
  flag: { sql: 'TINYINT(1)', writes: '1', kind: 'integer', loaded: '1', as: { bool: 'true', number: '1' } },
  small: { sql: 'SMALLINT UNSIGNED', writes: '65535', kind: 'integer', loaded: '65535', as: { number: '65535' } },
  medium: { sql: 'MEDIUMINT', writes: '-8388608', kind: 'integer', loaded: '-8388608', as: { number: '-8388608' } },
  zeros: { sql: 'INT(8) ZEROFILL', writes: '42', kind: 'integer', loaded: '00000042', as: { string: '00000042' } },
  big: {
    sql: 'BIGINT',
    writes: '-9223372036854775808',
    kind: 'integer',
    loaded: '-9223372036854775808',
    as: { number: '-9223372036854775808', string: '-9223372036854775808' },
  },
  biggest: {
    sql: 'BIGINT UNSIGNED',
    writes: '18446744073709551615',
    kind: 'integer',
    loaded: '18446744073709551615',
    as: { number: '18446744073709551615' },
  },
  money: { sql: 'DECIMAL(10,2)', writes: "'1234.50'", kind: 'decimal', loaded: '1234.50', as: { number: '1234.50' } },
  exact: {
    sql: 'DECIMAL(65,30)',
    writes: "'-12345678901234567890123456789012345.123456789012345678901234567891'",
    kind: 'decimal',
    loaded: '-12345678901234567890123456789012345.123456789012345678901234567891',
    as: { number: '-12345678901234567890123456789012345.123456789012345678901234567891' },
  },
  single: { sql: 'FLOAT', writes: '1.5', kind: 'float', loaded: '1.5', as: { number: '1.5' } },
  huge: { sql: 'DOUBLE', writes: '1e20', kind: 'float', loaded: '1e20', as: { number: `1${'0'.repeat(20)}` } },
  minute: {
    sql: 'DOUBLE',
    writes: '1.5e-30',
    kind: 'float',
    loaded: '1.5e-30',
    as: { number: `0.${'0'.repeat(29)}15` },
  },
  bit: { sql: 'BIT(1)', writes: "b'1'", kind: 'bit', loaded: '1', as: { bool: 'true', number: '1' } },
  zero_bit: { sql: 'BIT(1)', writes: "b'0'", kind: 'bit', loaded: '0', as: { bool: 'false' } },
  bits: { sql: 'BIT(8)', writes: "b'110001'", kind: 'bit', loaded: '49', as: { number: '49' } },
  all_bits: {
    sql: 'BIT(64)',
    writes: '18446744073709551615',
    kind: 'bit',
    loaded: '18446744073709551615',
    as: { number: '18446744073709551615' },
  },
  year: { sql: 'YEAR', writes: '2026', kind: 'integer', loaded: '2026', as: { number: '2026', string: '2026' } },
  day: { sql: 'DATE', writes: "'2026-07-01'", kind: 'date', loaded: '2026-07-01', as: { date: '2026-07-01' } },
  no_day: { sql: 'DATE', writes: "'0000-00-00'", kind: 'date', loaded: '0000-00-00', as: { date: '', string: '' } },
  half_day: { sql: 'DATE', writes: "'2026-07-00'", kind: 'date', loaded: '2026-07-00', as: { date: 'refused' } },
  local: {
    sql: 'DATETIME',
    writes: "'2026-07-01 00:30:00'",
    kind: 'datetime',
    loaded: '2026-07-01 00:30:00',
    as: { datetime: '2026-06-30T22:30:00.000Z', date: '2026-07-01' },
  },
  skipped: {
    sql: 'DATETIME',
    writes: "'2026-03-29 02:30:00'",
    kind: 'datetime',
    loaded: '2026-03-29 02:30:00',
    as: { datetime: '2026-03-29T01:30:00.000Z' },
  },
  never: {
    sql: 'DATETIME(6)',
    writes: "'0000-00-00 00:00:00'",
    kind: 'datetime',
    loaded: '0000-00-00 00:00:00.000000',
    as: { datetime: '', date: '' },
  },
  fine: {
    sql: 'DATETIME(6)',
    writes: "'2026-01-01 12:00:00.123999'",
    kind: 'datetime',
    loaded: '2026-01-01 12:00:00.123999',
    as: { datetime: '2026-01-01T11:00:00.123Z' },
  },
  instant: {
    sql: 'TIMESTAMP NULL',
    writes: "'2026-07-01 23:30:00'",
    kind: 'timestamp',
    loaded: '2026-07-01 23:30:00',
    as: { datetime: '2026-07-01T23:30:00.000Z', date: '2026-07-02' },
  },
  fine_instant: {
    sql: 'TIMESTAMP(3) NULL',
    writes: "'2026-07-01 23:30:00.007'",
    kind: 'timestamp',
    loaded: '2026-07-01 23:30:00.007',
    as: { datetime: '2026-07-01T23:30:00.007Z' },
  },
  clock: {
    sql: 'TIME',
    writes: "'-12:34:56'",
    kind: 'time',
    loaded: '-12:34:56',
    as: { string: '-12:34:56', datetime: 'refused' },
  },
  latin: {
    sql: 'VARCHAR(20) CHARACTER SET latin1',
    writes: "'Größe €'",
    kind: 'text',
    loaded: 'Größe €',
    as: { string: 'Größe €' },
  },
  utf8: {
    sql: 'VARCHAR(20) CHARACTER SET utf8',
    writes: "'Łódź 東京'",
    kind: 'text',
    loaded: 'Łódź 東京',
    as: { string: 'Łódź 東京' },
  },
  emoji: {
    sql: 'TEXT CHARACTER SET utf8mb4',
    writes: "'👩‍👩‍👧 🇩🇪'",
    kind: 'text',
    loaded: '👩‍👩‍👧 🇩🇪',
    as: { string: '👩‍👩‍👧 🇩🇪' },
  },
  quoted: {
    sql: 'LONGTEXT CHARACTER SET utf8mb4',
    writes: "'it''s \\\\ \"so\"?\\n'",
    kind: 'text',
    loaded: 'it\'s \\ "so"?\n',
    as: { string: 'it\'s \\ "so"?\n' },
  },
  padded: { sql: 'CHAR(5)', writes: "'ab  '", kind: 'text', loaded: 'ab', as: { string: 'ab' } },
  blanks: { sql: 'VARCHAR(5)', writes: "'ab  '", kind: 'text', loaded: 'ab  ', as: { string: 'ab  ' } },
  choice: { sql: "ENUM('a','B c')", writes: "'B c'", kind: 'text', loaded: 'B c', as: { string: 'B c' } },
  invalid: { sql: "ENUM('a','b')", writes: "'x'", kind: 'text', loaded: '', as: { string: '' } },
  several: {
    sql: "SET('a','b','c')",
    writes: "'c,a'",
    kind: 'set',
    loaded: 'a,c',
    as: { enumeration: 'a;c', string: 'a,c' },
  },
  none: { sql: "SET('a','b')", writes: "''", kind: 'set', loaded: '', as: { enumeration: '' } },
  raw: { sql: 'BINARY(2)', writes: "x'ff00'", kind: 'binary', loaded: bytes(0xff, 0), as: { string: 'refused' } },
  text_blob: { sql: 'BLOB', writes: "'Grüße'", kind: 'binary', loaded: Buffer.from('Grüße'), as: { string: 'Grüße' } },
  bytes: { sql: 'VARBINARY(4)', writes: "x'0141'", kind: 'binary', loaded: bytes(1, 0x41), as: { string: 'refused' } },
  missing: { sql: 'INT', writes: 'NULL', kind: 'integer', loaded: null, as: { number: '', string: '', bool: '' } },
};

const NAMES = Object.keys(CASES);

let database: TestDatabase;
let application: Connection;
let db: Db;
beforeAll(async () => {
  database = await testDatabase();
  application = await connectAsApplication(database);
  db = await connect(database.url);
});
afterAll(async () => {
  await db?.destroy();
  await application?.end();
  await database?.drop();
});

describe('a row with a column of every type', () => {
  beforeAll(async () => {
    await application.query("SET sql_mode = '', time_zone = '+00:00'");
    const columns = NAMES.map((name) => `${name} ${CASES[name]?.sql}`).join(', ');
    await application.query(`CREATE TABLE things (id INT(6) ZEROFILL PRIMARY KEY, ${columns}) DEFAULT CHARSET utf8mb4`);
    await application.query(`INSERT INTO things VALUES (7, ${NAMES.map((name) => CASES[name]?.writes).join(', ')})`);
  });
  const loadColumns = (list: string, ids = ['7'], rest = '') =>
    load(db, mappingOf(`SELECT t.id AS source_id, ${list} FROM things t WHERE t.id IN (:ids) ${rest}`), 'integer', ids);

  it('is loaded whole, by the id that triggers note', async () => {
    const { rows, columns, ambiguous } = await loadColumns(NAMES.map((name) => `t.${name}`).join(', '));
    expect([...rows.keys()]).toEqual(['7']);
    expect(ambiguous.size).toBe(0);
    const loaded = Object.fromEntries(columns.map(({ name, kind }, n) => [name, { kind, value: rows.get('7')?.[n] }]));
    const expected = Object.entries(CASES).map(([name, { kind, loaded: value }]) => [name, { kind, value }]);
    expect(loaded).toEqual(Object.fromEntries(expected));
  });

  it.each(NAMES)('%s becomes what HubSpot takes', async (name) => {
    const { rows, columns } = await loadColumns(`t.${name}`);
    const [column] = columns;
    if (column === undefined) throw new Error('no column');
    for (const [type, expected] of Object.entries(CASES[name]?.as ?? {})) {
      const value = rows.get('7')?.[0] ?? null;
      const converted = convertValue(value, column, property(type, { fieldType: 'checkbox' }), 'Europe/Berlin');
      expect('ok' in converted ? converted.ok : 'refused', type).toBe(expected);
    }
  });

  it('keeps its meaning through an expression', async () => {
    const { rows, columns } = await loadColumns(
      `COALESCE(t.biggest, t.biggest) AS a, SUM(t.exact) AS b, MAX(t.instant) AS c, MIN(t.local) AS d, MAX(t.several) AS e,
       IF(t.flag, t.instant, NULL) AS f, CONCAT(t.latin, t.emoji) AS g, COUNT(*) AS h, t.bit + 0 AS i`,
      ['7'],
      'GROUP BY t.id, t.biggest, t.flag, t.instant, t.latin, t.emoji, t.bit',
    );
    const values = Object.fromEntries(columns.map(({ name }, n) => [name, rows.get('7')?.[n]]));
    const kinds = Object.fromEntries(columns.map(({ name, kind }) => [name, kind]));
    expect(values).toEqual({
      a: CASES.biggest?.loaded,
      b: CASES.exact?.loaded,
      c: '2026-07-01 23:30:00',
      d: '2026-07-01 00:30:00',
      e: 'a,c',
      f: '2026-07-01 23:30:00',
      g: 'Größe €👩‍👩‍👧 🇩🇪',
      h: '1',
      i: '1',
    });
    expect(kinds).toMatchObject({ c: 'timestamp', d: 'datetime', f: 'timestamp' });
  });

  it('computes in UTC what makes a DATETIME of a TIMESTAMP: CONVERT_TZ leads to the zone of the object', async () => {
    const { rows, columns } = await loadColumns(
      `t.instant + INTERVAL 1 HOUR AS utc, CONVERT_TZ(t.instant, '+00:00', '+02:00') + INTERVAL 1 HOUR AS berlin`,
    );
    expect(columns.map(({ kind }) => kind)).toEqual(['datetime', 'datetime']);
    expect(rows.get('7')).toEqual(['2026-07-02 00:30:00', '2026-07-02 02:30:00']);
  });

  it('is not there when the query does not return it, nor when it was not asked for', async () => {
    expect((await loadColumns('t.tiny', ['7', '8'])).rows.size).toBe(1);
    expect((await loadColumns('t.tiny', ['7'], 'AND t.tiny > 0')).rows.size).toBe(0);
    expect((await loadColumns('t.tiny', ['8'], 'OR 1 = 1')).rows.size).toBe(0);
    expect((await loadColumns('t.tiny', [])).rows.size).toBe(0);
  });

  it('is ambiguous when the query returns it twice with different values, and not when they are the same', async () => {
    const join = (column: string) =>
      load(
        db,
        mappingOf(
          `SELECT t.id AS source_id, ${column} FROM things t JOIN (SELECT 1 AS n UNION ALL SELECT 2) x WHERE t.id IN (:ids)`,
        ),
        'integer',
        ['7'],
      );
    expect([...(await join('x.n')).ambiguous]).toEqual(['7']);
    expect([...(await join('t.text_blob')).ambiguous]).toEqual([]);
  });

  it('may hold question marks and colons in its query', async () => {
    const { rows } = await loadColumns("'?' AS a, ':ids' AS b, '\\\\?' AS c -- why? :ids\n");
    expect(rows.get('7')).toEqual(['?', ':ids', '\\?']);
  });

  it('is refused from a query without source_id, since every record would seem gone', async () => {
    const query = 'SELECT t.tiny FROM things t WHERE t.id IN (:ids)';
    await expect(load(db, mappingOf(query), 'integer', ['7'])).rejects.toThrow('returns no column source_id');
  });

  it('holds JSON as text, where the server has it', async () => {
    const [[{ version }]] = (await application.query('SELECT VERSION() AS version')) as unknown as [
      [{ version: string }],
    ];
    const hasJson = !version.startsWith('5.6');
    await application.query(
      `CREATE TABLE documents (id INT PRIMARY KEY, d ${hasJson ? 'JSON' : 'TEXT CHARACTER SET utf8mb4'})`,
    );
    await application.query(`INSERT INTO documents VALUES (1, '{"name": "Zoë 🙂"}')`);
    const { rows, columns } = await load(
      db,
      mappingOf('SELECT id AS source_id, d FROM documents WHERE id IN (:ids)'),
      'integer',
      ['1'],
    );
    const [column] = columns;
    const value = rows.get('1')?.[0] ?? null;
    expect(column && convertValue(value, column, property('string'), 'UTC')).toEqual({ ok: '{"name": "Zoë 🙂"}' });
  });

  it('has its shapes refused, with what to select instead', async () => {
    await application.query('CREATE TABLE places (id INT PRIMARY KEY, at POINT)');
    await application.query('INSERT INTO places VALUES (1, POINT(1, 2))');
    const { rows, columns } = await load(
      db,
      mappingOf('SELECT id AS source_id, at FROM places WHERE id IN (:ids)'),
      'integer',
      ['1'],
    );
    const [column] = columns;
    expect(column && convertValue(rows.get('1')?.[0] ?? null, column, property('string'), 'UTC')).toEqual({
      refused: expect.stringContaining('ST_AsText'),
    });
  });
});

describe('a key', () => {
  it('of text is found byte by byte, whatever the collation finds', async () => {
    await application.query(
      "CREATE TABLE codes (id VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci PRIMARY KEY, n INT); INSERT INTO codes VALUES ('Ab', 1), ('it''s\\\\', 2), ('👍', 3)",
    );
    const query = mappingOf('SELECT id AS source_id, n FROM codes WHERE id IN (:ids)');
    expect([...(await load(db, query, 'text', ['Ab', "it's\\", '👍'])).rows]).toEqual(
      expect.arrayContaining([
        ['Ab', ['1']],
        ["it's\\", ['2']],
        ['👍', ['3']],
      ]),
    );
    expect((await load(db, query, 'text', ['ab'])).rows.size).toBe(0);
  });

  it('of bytes is written in hexadecimal digits', async () => {
    await application.query('CREATE TABLE ids (id BINARY(3) PRIMARY KEY, n INT)');
    await application.query("INSERT INTO ids VALUES (x'00FF27', 1)");
    const query = mappingOf('SELECT id AS source_id, n FROM ids WHERE id IN (:ids)');
    expect([...(await load(db, query, 'binary', ['00FF27'])).rows]).toEqual([['00FF27', ['1']]]);
  });
});

describe('a record on which the query fails', () => {
  beforeAll(async () => {
    await application.query(`CREATE TABLE u (id INT PRIMARY KEY, a INT UNSIGNED, b INT UNSIGNED);
      CREATE TABLE o (u_id INT, state VARCHAR(9));
      INSERT INTO u VALUES (1, 5, 5), (2, 5, 5), (3, 5, 5), (4, 5, 6), (5, 5, 5);
      INSERT INTO o VALUES (1, 'open'), (2, 'open'), (2, 'paid'), (5, 'paid')`);
  });
  const ids = ['1', '2', '3', '4', '5', '6'];

  it.each([
    ['a subquery that returns two rows', '(SELECT state FROM o WHERE u_id = u.id)', '2', /more than 1 row/],
    ['a number out of range', 'u.a - u.b', '4', /out of range/],
  ])('is told apart from those beside it: %s', async (_, column, bad, says) => {
    const query = mappingOf(`SELECT u.id AS source_id, ${column} AS n FROM u WHERE u.id IN (:ids)`);
    const { rows, failed, columns } = await load(db, query, 'integer', ids);
    expect([...failed]).toEqual([[bad, expect.stringMatching(says)]]);
    expect([...rows.keys()].sort()).toEqual(['1', '2', '3', '4', '5'].filter((id) => id !== bad));
    expect(columns.map(({ name }) => name)).toEqual(['n']);
  });

  it('is none where the query does not fit the tables', async () => {
    const query = mappingOf('SELECT u.id AS source_id, u.gone FROM u WHERE u.id IN (:ids)');
    await expect(load(db, query, 'integer', ids)).rejects.toMatchObject({ errno: 1054 });
  });
});

function mappingOf(query: string): ObjectMapping {
  return {
    name: 'things',
    type: 'things',
    matchOn: 'n',
    key: { table: 'things', column: 'id' },
    query,
    whenGone: 'keep',
    timeZone: 'Europe/Berlin',
    watch: [],
  };
}
