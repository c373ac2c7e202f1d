import { describe, expect, it } from 'vitest';
import { deriveWatches } from '../../src/capture/derive.ts';
import type { Watch } from '../../src/capture/watch.ts';
import { catalog, objectOf } from './madeCatalog.ts';

type Expected = { columns: string[]; notes: string; path?: string[]; records?: string | null };
type Case = { title: string; query: string; key?: string; watches: Record<string, Expected> };

const users: Expected = { columns: ['id'], notes: 'id integer' };

const cases: Case[] = [
  {
    title: 'the root alone: its key is the record',
    query: 'SELECT u.id AS source_id, u.email FROM users u WHERE u.id IN (:ids)',
    watches: { users: { columns: ['email', 'id'], notes: 'id integer' } },
  },
  {
    title: 'a LEFT JOIN on the key: what is noted is the record',
    query: `SELECT u.id AS source_id, d.phone FROM users u LEFT JOIN details d ON d.user_id = u.id WHERE u.id IN (:ids)`,
    watches: {
      users,
      details: { columns: ['phone', 'user_id'], notes: 'user_id integer', path: ['details.user_id = users.id'] },
    },
  },
  {
    title: 'INNER JOINs over three steps, aggregated',
    query: `SELECT u.id AS source_id, SUM(i.price * i.quantity) AS spent FROM users u
      JOIN orders o ON o.user_id = u.id INNER JOIN order_items i ON i.order_id = o.id
      WHERE u.id IN (:ids) AND o.state = 'paid' GROUP BY u.id`,
    watches: {
      users,
      orders: { columns: ['id', 'state', 'user_id'], notes: 'user_id integer', path: ['orders.user_id = users.id'] },
      order_items: {
        columns: ['order_id', 'price', 'quantity'],
        notes: 'order_id integer',
        path: ['order_items.order_id = orders.id', 'orders.user_id = users.id'],
        records:
          'SELECT DISTINCT t2.`id` AS id FROM `users` t2 JOIN `orders` t1 ON t1.`user_id` = t2.`id` WHERE t1.`id` IN (:keys)',
      },
    },
  },
  {
    title: 'a lookup table at the far end of LEFT JOINs: one mark for all its records',
    query: `SELECT u.id AS source_id, p.title AS best FROM users u LEFT JOIN orders o ON o.user_id = u.id
      LEFT JOIN order_items i ON i.order_id = o.id LEFT JOIN products p ON p.id = i.product_id WHERE u.id IN (:ids)`,
    watches: {
      users,
      orders: { columns: ['id', 'user_id'], notes: 'user_id integer', path: ['orders.user_id = users.id'] },
      order_items: {
        columns: ['order_id', 'product_id'],
        notes: 'order_id integer',
        path: ['order_items.order_id = orders.id', 'orders.user_id = users.id'],
        records:
          'SELECT DISTINCT t2.`id` AS id FROM `users` t2 JOIN `orders` t1 ON t1.`user_id` = t2.`id` WHERE t1.`id` IN (:keys)',
      },
      products: {
        columns: ['id', 'title'],
        notes: 'id integer',
        path: ['products.id = order_items.product_id', 'order_items.order_id = orders.id', 'orders.user_id = users.id'],
        records:
          'SELECT DISTINCT t3.`id` AS id FROM `users` t3 JOIN `orders` t2 ON t2.`user_id` = t3.`id` JOIN `order_items` t1 ON t1.`order_id` = t2.`id` WHERE t1.`product_id` IN (:keys)',
      },
    },
  },
  {
    title: 'a lookup table: the root watches the column that refers to it',
    query: `SELECT u.id AS source_id, c.name AS country FROM users u LEFT JOIN countries c ON c.id = u.country_id WHERE u.id IN (:ids)`,
    watches: {
      users: { columns: ['country_id', 'id'], notes: 'id integer' },
      countries: {
        columns: ['id', 'name'],
        notes: 'id integer',
        path: ['countries.id = users.country_id'],
        records: 'SELECT DISTINCT t1.`id` AS id FROM `users` t1 WHERE t1.`country_id` IN (:keys)',
      },
    },
  },
  {
    title: 'a subquery in the select list',
    query: `SELECT u.id AS source_id, (SELECT COUNT(*) FROM orders o WHERE o.user_id = u.id AND o.state = 'paid') AS orders
      FROM users u WHERE u.id IN (:ids)`,
    watches: {
      users,
      orders: { columns: ['state', 'user_id'], notes: 'user_id integer', path: ['orders.user_id = users.id'] },
    },
  },
  {
    title: 'a subquery that joins, and takes the last by its order',
    query: `SELECT u.id AS source_id, (SELECT i.price FROM orders o JOIN order_items i ON i.order_id = o.id
        WHERE o.user_id = u.id ORDER BY o.placed_on DESC LIMIT 1) AS last_price FROM users u WHERE u.id IN (:ids)`,
    watches: {
      users,
      orders: {
        columns: ['id', 'placed_on', 'user_id'],
        notes: 'user_id integer',
        path: ['orders.user_id = users.id'],
      },
      order_items: {
        columns: ['order_id', 'price'],
        notes: 'order_id integer',
        path: ['order_items.order_id = orders.id', 'orders.user_id = users.id'],
        records:
          'SELECT DISTINCT t2.`id` AS id FROM `users` t2 JOIN `orders` t1 ON t1.`user_id` = t2.`id` WHERE t1.`id` IN (:keys)',
      },
    },
  },
  {
    title: 'EXISTS in WHERE',
    query: `SELECT u.id AS source_id FROM users u WHERE u.id IN (:ids)
      AND EXISTS (SELECT * FROM tags t WHERE t.user_id = u.id AND t.tag = 'vip')`,
    watches: {
      users,
      tags: { columns: ['tag', 'user_id'], notes: 'user_id integer', path: ['tags.user_id = users.id'] },
    },
  },
  {
    title: 'NOT EXISTS as a value',
    query: `SELECT u.id AS source_id, NOT EXISTS (SELECT 1 FROM tags t WHERE t.user_id = u.id) AS plain
      FROM users u WHERE u.id IN (:ids)`,
    watches: { users, tags: { columns: ['user_id'], notes: 'user_id integer', path: ['tags.user_id = users.id'] } },
  },
  {
    title: 'IN with a subquery that knows nothing of the record',
    query: `SELECT u.id AS source_id FROM users u WHERE u.id IN (:ids)
      AND u.id IN (SELECT o.user_id FROM orders o WHERE o.state = 'paid')`,
    watches: {
      users,
      orders: { columns: ['state', 'user_id'], notes: 'user_id integer', path: ['orders.user_id = users.id'] },
    },
  },
  {
    title: 'NOT IN, where neither side can be NULL',
    query: `SELECT u.id AS source_id FROM users u WHERE u.id IN (:ids) AND u.id NOT IN (SELECT t.user_id FROM tags t)`,
    watches: { users, tags: { columns: ['user_id'], notes: 'user_id integer', path: ['tags.user_id = users.id'] } },
  },
  {
    title: 'columns without a table, in another spelling, under no alias',
    query: `SELECT ID AS source_id, PHONE AS phone, city FROM users JOIN details ON user_id = id WHERE id IN (:ids)`,
    watches: {
      users,
      details: {
        columns: ['city', 'phone', 'user_id'],
        notes: 'user_id integer',
        path: ['details.user_id = users.id'],
      },
    },
  },
  {
    title: 'names as the catalog spells them',
    query: `SELECT u.id AS source_id, m.note FROM users u LEFT JOIN mixed m ON m.userid = u.id WHERE U.id IN (:ids)`,
    watches: {
      users,
      Mixed: { columns: ['Note', 'UserId'], notes: 'UserId integer', path: ['Mixed.UserId = users.id'] },
    },
  },
  {
    title: 'joins with commas, their equality in WHERE',
    query: `SELECT u.id AS source_id, o.total FROM users u, orders o WHERE u.id IN (:ids) AND o.user_id = u.id`,
    watches: {
      users,
      orders: { columns: ['total', 'user_id'], notes: 'user_id integer', path: ['orders.user_id = users.id'] },
    },
  },
  {
    title: 'USING',
    query: `SELECT t.id AS source_id, d.phone FROM tags t JOIN details d USING (user_id) WHERE t.id IN (:ids)`,
    key: 'tags.id',
    watches: {
      tags: { columns: ['id', 'user_id'], notes: 'id integer' },
      details: {
        columns: ['phone', 'user_id'],
        notes: 'user_id integer',
        path: ['details.user_id = tags.user_id'],
        records: 'SELECT DISTINCT t1.`id` AS id FROM `tags` t1 WHERE t1.`user_id` IN (:keys)',
      },
    },
  },
  {
    title: 'texts of one character set',
    query: `SELECT u.id AS source_id, s.list FROM users u LEFT JOIN subscriptions s ON s.email = u.email WHERE u.id IN (:ids)`,
    watches: {
      users: { columns: ['email', 'id'], notes: 'id integer' },
      subscriptions: {
        columns: ['email', 'list'],
        notes: 'email text',
        path: ['subscriptions.email = users.email'],
        records: 'SELECT DISTINCT t1.`id` AS id FROM `users` t1 WHERE t1.`email` IN (:keys)',
      },
    },
  },
  {
    title: 'a text of a wider character set: compared as the join does it',
    query: `SELECT s.id AS source_id, u.first_name FROM subscriptions s LEFT JOIN users u ON u.email = s.email WHERE s.id IN (:ids)`,
    key: 'subscriptions.id',
    watches: {
      subscriptions: { columns: ['email', 'id'], notes: 'id integer' },
      users: {
        columns: ['email', 'first_name'],
        notes: 'email text',
        path: ['users.email = subscriptions.email'],
        records:
          'SELECT DISTINCT t1.`id` AS id FROM `subscriptions` t1 WHERE CONVERT(t1.`email` USING utf8mb4) COLLATE utf8mb4_general_ci IN (:keys)',
      },
    },
  },
  {
    title: 'a day, noted as text',
    query: `SELECT o.id AS source_id, d.label FROM orders o LEFT JOIN days d ON d.day = o.placed_on WHERE o.id IN (:ids)`,
    key: 'orders.id',
    watches: {
      orders: { columns: ['id', 'placed_on'], notes: 'id integer' },
      days: {
        columns: ['day', 'label'],
        notes: 'day text',
        path: ['days.day = orders.placed_on'],
        records: 'SELECT DISTINCT t1.`id` AS id FROM `orders` t1 WHERE t1.`placed_on` IN (:keys)',
      },
    },
  },
  {
    title: 'bytes, noted and returned in hexadecimal digits',
    query: `SELECT v.serial AS source_id, u.email FROM devices v LEFT JOIN users u ON u.hash = v.owner_hash WHERE v.serial IN (:ids)`,
    key: 'devices.serial',
    watches: {
      devices: { columns: ['owner_hash', 'serial'], notes: 'serial binary' },
      users: {
        columns: ['email', 'hash'],
        notes: 'hash binary',
        path: ['users.hash = devices.owner_hash'],
        records: 'SELECT DISTINCT HEX(t1.`serial`) AS id FROM `devices` t1 WHERE t1.`owner_hash` IN (:keys)',
      },
    },
  },
];

describe('what is watched, derived from the query', () => {
  it.each(cases)('$title', ({ query, key, watches }) => {
    const { problems, watches: derived } = deriveWatches(objectOf(query, key), catalog);
    expect(problems).toEqual([]);
    expect(Object.fromEntries(derived.map((watch) => [watch.table, told(watch)]))).toEqual(
      Object.fromEntries(Object.entries(watches).map(([table, each]) => [table, { path: [], records: null, ...each }])),
    );
  });

  it('follows a self-join from both ends: two ways for one table', () => {
    const query = `SELECT u.id AS source_id, r.first_name AS referrer FROM users u
      LEFT JOIN users r ON r.id = u.referred_by WHERE u.id IN (:ids)`;
    const { watches, problems } = deriveWatches(objectOf(query), catalog);
    expect(problems).toEqual([]);
    expect(watches.map((watch) => [watch.table, told(watch)])).toEqual([
      ['users', { columns: ['id', 'referred_by'], notes: 'id integer', path: [], records: null }],
      [
        'users',
        {
          columns: ['first_name', 'id'],
          notes: 'id integer',
          path: ['users.id = users.referred_by'],
          records: 'SELECT DISTINCT t1.`id` AS id FROM `users` t1 WHERE t1.`referred_by` IN (:keys)',
        },
      ],
    ]);
  });

  it('joins two ways that mean the same to one watch of both their columns', () => {
    const query = `SELECT u.id AS source_id,
        (SELECT SUM(o.total) FROM orders o WHERE o.user_id = u.id) AS spent,
        (SELECT COUNT(*) FROM orders o WHERE o.user_id = u.id AND o.state = 'open') AS open_orders
      FROM users u WHERE u.id IN (:ids)`;
    const { watches } = deriveWatches(objectOf(query), catalog);
    expect(watches.map(({ table, columns }) => [table, columns])).toEqual([
      ['users', ['id']],
      ['orders', ['state', 'total', 'user_id']],
    ]);
  });

  it('names the properties in the order of the query', () => {
    const query = 'SELECT u.email, u.id AS source_id, u.first_name AS firstname FROM users u WHERE u.id IN (:ids)';
    const { properties, keyKind } = deriveWatches(objectOf(query), catalog);
    expect({ properties, keyKind }).toEqual({ properties: ['email', 'firstname'], keyKind: 'integer' });
  });
});

describe('the clock', () => {
  it.each(['NOW()', 'CURDATE()', 'CURRENT_TIMESTAMP', 'UTC_TIMESTAMP()', 'UNIX_TIMESTAMP()'])(
    '%s is worth a warning, and no refusal',
    (call) => {
      const query = `SELECT u.id AS source_id, DATEDIFF(${call}, u.email) AS days FROM users u WHERE u.id IN (:ids)`;
      const { warnings, problems } = deriveWatches(objectOf(query), catalog);
      expect(problems).toEqual([]);
      expect(warnings).toEqual([expect.stringMatching(/^\w+\(\): what changes by the clock alone is not noticed/)]);
    },
  );

  it('says nothing of UNIX_TIMESTAMP of a column', () => {
    const query = 'SELECT u.id AS source_id, UNIX_TIMESTAMP(u.email) AS t FROM users u WHERE u.id IN (:ids)';
    expect(deriveWatches(objectOf(query), catalog).warnings).toEqual([]);
  });
});

function told({ columns, note, path, records }: Watch): Expected {
  return { columns, notes: `${note.column} ${note.kind}`, path, records: records?.select ?? null };
}
