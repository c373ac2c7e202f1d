import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { numbers, type Scenario, texts, unwatched } from '../scenario.ts';

const shop = new URL('../../../examples/shop/', import.meta.url);
const mapping = parse(readFileSync(new URL('hubspot-outbox.yaml', shop), 'utf8')) as {
  objects: Record<string, { key: string; query: string }>;
};
const times = ["'2024-03-31 12:00:00'", "'2023-12-31 23:59:59'", "'0000-00-00 00:00:00'", "'2024-00-10 00:00:00'"];

/** The legacy shop itself, with its own mapping. */
export const shopScenario: Scenario = {
  name: 'shop',
  schema: readFileSync(new URL('schema.sql', shop), 'utf8')
    .split(/;\s*$/m)
    .filter((statement) => statement.trim()),
  tables: [
    {
      name: 'countries',
      key: ['id'],
      columns: [
        numbers('id', 1, 4),
        unwatched(texts('iso2', ['DE', 'FR'])),
        texts('name', ['Germany', 'germany', "Côte d'Ivoire"]),
      ],
    },
    {
      name: 'users',
      key: ['id'],
      columns: [
        numbers('id', 1, 10),
        texts('email', ['bob@example.com', 'Bob@example.com', 'ann@example.com', ''], ['NULL']),
        texts('first_name', ['Bob', 'bob', 'Łukasz']),
        texts('company', ['Café', 'Cafe', 'CAFÉ'], ['NULL']),
        { name: 'user_status', kind: 'other', values: ["'A'", "'N'", "'C'", "'G'", "'?'"] },
        texts('customer_group', ['Retail', 'retail', 'Trade']),
        { name: 'interests', kind: 'other', values: ["''", "'shoes'", "'bags,shoes'", "'fax'", '3'] },
        numbers('newsletter', 0, 2),
        texts('loyalty_points', ['1', '01', '1 '], ['NULL']),
        { name: 'birthday', kind: 'other', values: ["'1984-07-12'", "'1984-07-00'", "'0000-00-00'"] },
        numbers('country_id', 1, 5, ['NULL']),
        unwatched(numbers('login_count', 1, 9)),
        unwatched(texts('password_hash', ['aaa', 'bbb'])),
        { name: 'last_login', kind: 'other', values: times },
      ],
    },
    {
      name: 'user_cim_details',
      key: ['user_id'],
      columns: [
        numbers('user_id', 1, 11),
        texts('phone', ['+49 1', '+49 2'], ['NULL']),
        texts('city', ['Köln', 'Koln', 'KÖLN'], ['NULL']),
        texts('notes', ['📦', '📦📦', 'x', 'X'], ['NULL']),
        { name: 'consent_at', kind: 'other', values: ["'2024-03-31 12:00:00'", 'NULL'] },
      ],
    },
    {
      name: 'orders',
      key: ['id'],
      columns: [
        numbers('id', 1, 14),
        texts('order_number', ['S-1', 'S-2', 's-2', 'S-3', 'S-4', 'S-5', 'S-6', 'S-7', 'S-8', 'S-9']),
        numbers('user_id', 1, 11),
        { name: 'state', kind: 'other', values: ["'open'", "'paid'", "'shipped'", "'cancelled'"] },
        numbers('total', 0, 2, ['1.10']),
        { name: 'ordered_at', kind: 'other', values: times },
      ],
    },
    {
      name: 'order_items',
      key: ['id'],
      columns: [
        numbers('id', 1, 14),
        numbers('order_id', 1, 15),
        unwatched(texts('sku', ['A', 'B'])),
        numbers('quantity', 1, 3),
        numbers('price', 0, 2, ['0.10']),
      ],
    },
  ],
  joins: [
    {
      from: 'users u LEFT JOIN user_cim_details d ON d.user_id = u.id',
      aliases: { u: 'users', d: 'user_cim_details' },
    },
    {
      from: 'users u JOIN orders o ON o.user_id = u.id JOIN order_items i ON i.order_id = o.id',
      aliases: { u: 'users', o: 'orders', i: 'order_items' },
    },
    { from: 'countries c JOIN users u ON u.country_id = c.id', aliases: { c: 'countries', u: 'users' } },
  ],
  objects: Object.entries(mapping.objects).map(([name, { key, query }]) => {
    const [table = '', column = ''] = key.split('.');
    return { name, key: { table, column }, query };
  }),
};
