import { describe, expect, it } from 'vitest';
import { deriveWatches } from '../../src/capture/derive.ts';
import type { HandWatch } from '../../src/config/mapping.ts';
import { catalog, objectOf } from './madeCatalog.ts';

const here = 'WHERE u.id IN (:ids)';
const usersByHand: HandWatch = {
  table: 'users',
  key: 'id',
  columns: ['email'],
  records: 'SELECT id FROM users WHERE id IN (:keys)',
};
const byHand = (table: string): HandWatch => ({
  table,
  key: 'user_id',
  columns: [],
  records: 'SELECT id FROM users WHERE id IN (:keys)',
});

/** What no trigger can follow; `watched` are the tables to watch by hand, which makes it fine. */
type Refused = { title: string; query: string; says: string; watched: string[] };

const refused: Refused[] = [
  {
    title: 'UNION',
    query: `SELECT u.id AS source_id FROM users u ${here} UNION SELECT t.user_id FROM tags t`,
    says: 'UNION cannot be followed',
    watched: ['users', 'tags'],
  },
  {
    title: 'a derived table',
    query: `SELECT u.id AS source_id, x.n FROM users u JOIN (SELECT user_id, COUNT(*) n FROM orders GROUP BY user_id) x ON x.user_id = u.id ${here}`,
    says: 'a derived table cannot be followed',
    watched: ['users', 'orders'],
  },
  {
    title: 'a common table expression',
    query: `WITH x AS (SELECT user_id FROM orders) SELECT u.id AS source_id FROM users u JOIN x ON x.user_id = u.id ${here}`,
    says: 'WITH (a common table expression) cannot be followed',
    watched: ['users', 'orders'],
  },
  {
    title: 'a view',
    query: `SELECT u.id AS source_id, l.email FROM users u JOIN loud_users l ON l.id = u.id ${here}`,
    says: 'loud_users is a view: a trigger cannot stand on it. Name the tables behind it',
    watched: ['users', 'tags'],
  },
  {
    title: 'a user variable',
    query: `SELECT u.id AS source_id, @rank AS rank_now FROM users u ${here}`,
    says: 'a user or system variable is no part of the data',
    watched: ['users'],
  },
  {
    title: 'a system variable',
    query: `SELECT u.id AS source_id, @@server_id AS server FROM users u ${here}`,
    says: 'a user or system variable is no part of the data',
    watched: ['users'],
  },
  {
    title: 'an assignment',
    query: `SELECT u.id AS source_id, @n := @n + 1 AS place FROM users u ${here}`,
    says: 'a user or system variable is no part of the data',
    watched: ['users'],
  },
  ...['RAND()', 'UUID()', 'CURRENT_USER()', 'CONNECTION_ID()', 'LAST_INSERT_ID()', 'SLEEP(1)'].map((call) => ({
    title: call,
    query: `SELECT u.id AS source_id, ${call} AS n FROM users u ${here}`,
    says: `${call.replace('(1)', '()')} gives something else each time, so no change can be noticed`,
    watched: ['users'],
  })),
  {
    title: 'a stored function',
    query: `SELECT u.id AS source_id, FEE_OF(u.id) AS fee FROM users u ${here}`,
    says: 'the stored function fee_of may read anything',
    watched: ['users'],
  },
  {
    title: 'a window function',
    query: `SELECT u.id AS source_id, SUM(o.total) OVER () AS n FROM users u JOIN orders o ON o.user_id = u.id ${here}`,
    says: 'window functions cannot be followed',
    watched: ['users', 'orders'],
  },
  {
    title: 'RIGHT JOIN',
    query: `SELECT u.id AS source_id, o.total FROM orders o RIGHT JOIN users u ON o.user_id = u.id ${here}`,
    says: 'RIGHT JOIN cannot be followed; write it as LEFT JOIN',
    watched: ['users', 'orders'],
  },
  {
    title: 'an ambiguous column',
    query: `SELECT u.id AS source_id, email FROM users u JOIN subscriptions s ON s.email = u.email ${here}`,
    says: 'the column email stands in u and in s; say which',
    watched: ['users', 'subscriptions'],
  },
  {
    title: 'USING a column of several tables',
    query: `SELECT u.id AS source_id FROM users u JOIN tags t ON t.user_id = u.id JOIN orders o ON o.user_id = u.id JOIN details d USING (user_id) ${here}`,
    says: 'USING (user_id) names no column that stands in just one other table; write it with ON',
    watched: ['users', 'tags', 'orders', 'details'],
  },
  {
    title: 'NOT IN where a NULL decides',
    query: `SELECT u.id AS source_id FROM users u ${here} AND u.country_id NOT IN (SELECT t.user_id FROM tags t)`,
    says: 'u.country_id IN (SELECT user_id …), negated or as a value, also depends on NULLs: write it as EXISTS or NOT EXISTS',
    watched: ['users', 'tags'],
  },
  {
    title: 'every column',
    query: `SELECT u.id AS source_id, u.* FROM users u ${here}`,
    says: 'SELECT * cannot be followed: name the columns',
    watched: ['users'],
  },
  {
    title: 'what the grammar does not know',
    query: `SELECT u.id AS source_id FROM users u ${here} AND u.email <=> NULL`,
    says: 'the query cannot be read (line 1, column 74, at ">"); <=>, FORCE INDEX and NATURAL JOIN are not understood',
    watched: ['users'],
  },
  {
    title: 'an unknown column',
    query: `SELECT u.id AS source_id, u.emial FROM users u ${here}`,
    says: 'there is no column u.emial; did you mean email?',
    watched: ['users'],
  },
];

describe('what cannot be followed', () => {
  it.each(refused)('is refused with the reason and the block to write: $title', ({ query, says, watched }) => {
    const { problems } = deriveWatches(objectOf(query), catalog);
    expect(problems).toEqual([{ where: 'objects.contacts.query', message: says, fix: expect.any(String) }]);
    const block = problems[0]?.fix ?? '';
    expect(block).toMatch(/^write how a changed row leads to its records:\nwatch:\n/);
    if (/cannot be read/.test(says)) return;
    expect([...block.matchAll(/^ {2}(\w+): \{ key: /gm)].map(([, table]) => table).sort()).toEqual(watched.toSorted());
  });

  it.each(refused)('is fine once every table of it is watched by hand: $title', ({ query, watched }) => {
    const hands = watched.map((table) =>
      table === 'users' ? usersByHand : { ...byHand(table), key: table === 'subscriptions' ? 'id' : 'user_id' },
    );
    const derivation = deriveWatches(objectOf(query, 'users.id', hands), catalog);
    expect(derivation.problems).toEqual([]);
    expect(derivation.watches.map(({ table, isDerived }) => [table, isDerived])).toEqual(
      watched.map((table) => [table, false]),
    );
  });

  it('stays refused while one of its tables is not watched', () => {
    const query = `SELECT u.id AS source_id FROM users u ${here} UNION SELECT t.user_id FROM tags t`;
    const { problems } = deriveWatches(objectOf(query, 'users.id', [usersByHand]), catalog);
    expect(problems).toMatchObject([{ message: 'UNION cannot be followed', fix: expect.stringContaining('tags:') }]);
    expect(problems[0]?.fix).not.toContain('users: {');
  });

  it('says which tables are watched when the query cannot even be read', () => {
    const query = `SELECT u.id AS source_id FROM users u JOIN tags t FORCE INDEX (a) ON t.user_id = u.id ${here}`;
    const { warnings, problems } = deriveWatches(objectOf(query, 'users.id', [usersByHand, byHand('tags')]), catalog);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(/only what stands under watch: is watched, which is users, tags$/),
    ]);
  });

  it('suggests for the root what really leads from its key to its record', () => {
    const query = `SELECT u.id AS source_id, u.email FROM users u ${here} UNION SELECT 1, 2`;
    const [problem] = deriveWatches(objectOf(query), catalog).problems;
    expect(problem?.fix).toContain(
      'users: { key: id, columns: [the columns the query reads], records: "SELECT id FROM users WHERE id IN (:keys)" }',
    );
  });
});

describe('a table without a way to the record', () => {
  const none = /^no equality of columns leads from .+ to the record/;

  it.each([
    ['no equality', 'orders', `FROM users u JOIN orders x ON x.user_id < u.id`, 'total, user_id'],
    [
      'an equality under OR',
      'orders',
      `FROM users u JOIN orders x ON x.user_id = u.id OR x.total = 3`,
      'total, user_id',
    ],
    ['an equality of expressions', 'orders', `FROM users u JOIN orders x ON x.user_id = u.id + 1`, 'total, user_id'],
    ['no condition', 'orders', 'FROM users u JOIN orders x', 'total'],
    ['a float', 'rates', 'FROM users u LEFT JOIN rates x ON x.score = u.score', 'label, score'],
    [
      'a moment of a session',
      'days',
      'FROM users u JOIN orders o ON o.user_id = u.id JOIN days x ON x.moment = o.placed_at',
      'label, moment',
    ],
  ])('is refused alone, its columns in the block to write: %s', (_, table, from, columns) => {
    const column = table === 'orders' ? 'total' : 'label';
    const query = `SELECT u.id AS source_id, x.${column} AS value ${from} ${here}`;
    const { problems, watches } = deriveWatches(objectOf(query), catalog);
    expect(problems).toEqual([
      {
        where: 'objects.contacts.query',
        message: expect.stringMatching(none),
        fix: expect.stringContaining(`  ${table}: {`),
      },
    ]);
    const listed = /columns: \[([^\]]*)\]/.exec(problems[0]?.fix ?? '')?.[1]?.split(', ') ?? [];
    expect(listed.sort().join(', ')).toBe(columns);
    expect(watches.some((watch) => watch.table === 'users')).toBe(true);
  });

  it('is fine once it is watched by hand, beside what is derived', () => {
    const query = `SELECT u.id AS source_id, o.total FROM users u JOIN orders o ON o.user_id < u.id ${here}`;
    const { problems, watches } = deriveWatches(objectOf(query, 'users.id', [byHand('orders')]), catalog);
    expect(problems).toEqual([]);
    expect(watches.map(({ table, isDerived }) => [table, isDerived])).toEqual([
      ['orders', false],
      ['users', true],
    ]);
  });
});

describe('what a watch: block gets wrong', () => {
  const query = `SELECT u.id AS source_id, u.email FROM users u ${here}`;

  it.each([
    [{ table: 'tgas' }, 'watch.tgas', 'there is no table tgas in the database'],
    [{ table: 'loud_users', key: 'id' }, 'watch.loud_users', 'loud_users is a view: a trigger cannot stand on it'],
    [{ key: 'user' }, 'watch.tags.key', 'the table tags has no column user'],
    [{ columns: ['tog'] }, 'watch.tags.columns', 'the table tags has no column tog'],
    [{ table: 'users', key: 'wide' }, 'watch.users.key', /users\.wide cannot be noted/],
    [{ table: 'users', key: 'score' }, 'watch.users.key', /users\.score cannot be noted/],
  ])('is named with its place: %j', (wrong, where, message) => {
    const { problems } = deriveWatches(objectOf(query, 'users.id', [{ ...byHand('tags'), ...wrong }]), catalog);
    const says = typeof message === 'string' ? message : expect.stringMatching(message);
    expect(problems).toContainEqual({ where: `objects.contacts.${where}`, message: says });
  });
});

describe('a SELECT that would mix or drop records', () => {
  it.each([
    ['LIMIT', `SELECT u.id AS source_id, u.email FROM users u ${here} LIMIT 10`, /^LIMIT would drop records/],
    [
      'GROUP BY without the key',
      `SELECT u.id AS source_id, u.email FROM users u ${here} GROUP BY u.email`,
      /^GROUP BY would join several records in one row/,
    ],
    ...['COUNT(*)', 'MAX(o.total) + 1', 'GROUP_CONCAT(o.id)', 'BIT_OR(o.id)', 'JSON_ARRAYAGG(o.id)'].map(
      (call): [string, string, RegExp] => [
        `${call} without GROUP BY`,
        `SELECT u.id AS source_id, ${call} AS n FROM users u JOIN orders o ON o.user_id = u.id ${here}`,
        /^an aggregate without GROUP BY joins all records in one row/,
      ],
    ),
    [
      'an aggregate in HAVING',
      `SELECT u.id AS source_id FROM users u ${here} HAVING COUNT(*) > 1`,
      /^an aggregate without GROUP BY/,
    ],
    ['no source_id', `SELECT u.id AS id, u.email FROM users u ${here}`, /^expected a column source_id/],
    [
      'a source_id that is not the key',
      `SELECT u.country_id AS source_id FROM users u ${here}`,
      /^source_id is not the key users\.id$/,
    ],
    [
      'a source_id of another table',
      `SELECT r.id AS source_id FROM users u JOIN users r ON r.id = u.referred_by ${here}`,
      /^source_id is not the key users\.id$/,
    ],
    [
      'no IN (:ids) on the key',
      'SELECT u.id AS source_id FROM users u WHERE u.email IN (:ids)',
      /^expected WHERE u\.id IN \(:ids\)/,
    ],
    [
      'IN (:ids) under OR',
      `SELECT u.id AS source_id FROM users u ${here} OR u.id = 3`,
      /^expected WHERE u\.id IN \(:ids\)/,
    ],
    [
      'IN (:ids) under NOT',
      `SELECT u.id AS source_id FROM users u WHERE NOT (u.id IN (:ids))`,
      /^expected WHERE u\.id IN \(:ids\)/,
    ],
    [
      'NOT IN (:ids)',
      `SELECT u.id AS source_id FROM users u WHERE u.id NOT IN (:ids)`,
      /^expected WHERE u\.id IN \(:ids\)/,
    ],
    [
      'a column without a name',
      `SELECT u.id AS source_id, UPPER(u.email) FROM users u ${here}`,
      /^the column 2 has no name/,
    ],
    [
      'a name that is no property',
      `SELECT u.id AS source_id, u.email AS Email FROM users u ${here}`,
      /^Email is no name of a HubSpot property/,
    ],
    [
      'a name twice',
      `SELECT u.id AS source_id, u.email, u.wide AS email FROM users u ${here}`,
      /^the column email is there twice$/,
    ],
  ])('is refused: %s', (_, query, message) => {
    const { problems } = deriveWatches(objectOf(query), catalog);
    expect(problems).toEqual([{ where: 'objects.contacts.query', message: expect.stringMatching(message) }]);
  });

  it('may group by the key under either of its names', () => {
    for (const group of ['u.id', 'source_id', 'u.email, u.id']) {
      const query = `SELECT u.id AS source_id, COUNT(*) AS n FROM users u JOIN orders o ON o.user_id = u.id ${here} GROUP BY ${group}`;
      expect(deriveWatches(objectOf(query), catalog).problems).toEqual([]);
    }
  });
});

describe('tables the query cannot be about', () => {
  it.each([
    [
      `SELECT u.id AS source_id FROM users u JOIN oders o ON o.user_id = u.id ${here}`,
      'there is no table oders in the database',
    ],
    [
      `SELECT u.id AS source_id FROM users u JOIN crm.orders o ON o.user_id = u.id ${here}`,
      'crm.orders belongs to another database',
    ],
    [
      'SELECT o.id AS source_id FROM orders o WHERE o.id IN (:ids)',
      'the query does not select FROM users, the table of the key',
    ],
    ['DELETE FROM users WHERE id IN (:ids)', 'the query is not one SELECT'],
    [`SELECT u.id AS source_id FROM users u ${here}; SELECT 1`, 'the query is not one SELECT'],
  ])('are refused: %s', (query, message) => {
    expect(deriveWatches(objectOf(query), catalog).problems).toMatchObject([
      { where: 'objects.contacts.query', message, fix: expect.stringContaining('watch:') },
    ]);
  });
});

describe('a key', () => {
  it.each([
    ['users.country_id', /^users\.country_id is not unique: it needs a primary key or a unique index of its own$/],
    ['users.nope', /^the table users has no column nope$/],
    ['nope.id', /^there is no table nope in the database$/],
    ['loud_users.id', /^loud_users is a view; name the table behind it$/],
    [
      'users.wide',
      /^users\.wide is varchar\(400\): a key is an integer, or a text or binary of at most 191 characters$/,
    ],
    ['users.score', /^users\.score is float: a key is an integer/],
  ])('that cannot identify a record is refused: %s', (key, message) => {
    const query = `SELECT u.id AS source_id FROM users u ${here}`;
    expect(deriveWatches(objectOf(query, key), catalog).problems).toEqual([
      { where: 'objects.contacts.key', message: expect.stringMatching(message) },
    ]);
  });
});
