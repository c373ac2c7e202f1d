import { readFile } from 'node:fs/promises';
import type { Connection } from 'mysql2/promise';
import { badUsers } from './badUsers.ts';
import { countries } from './people.ts';
import { randomFrom } from './random.ts';
import { ordersOf, person, type Row } from './rows.ts';

const chunkSize = 1000;

/** Creates the shop's empty tables. The session is left with sql_mode '', the way the shop itself writes. */
export async function createShopTables(connection: Connection): Promise<void> {
  const schema = await readFile(new URL('schema.sql', import.meta.url), 'utf8');
  for (const statement of schema.split(/;\s*$/m)) {
    if (statement.trim()) await connection.query(statement);
  }
}

/**
 * Fills the shop's empty tables: the same `seed` gives the same rows on every server.
 * Users have the ids 1 … `users`; those of `badUsers` with an id up to that are bad in their own ways.
 */
export async function seedShop(connection: Connection, { users = 2000, seed = 1 } = {}): Promise<void> {
  const random = randomFrom(seed);
  const bad = new Map(badUsers.map((user) => [user.id, user]));
  await connection.query("SET SESSION sql_mode = '', time_zone = '+00:00'");
  await insert(
    connection,
    'countries',
    countries.map(({ id, iso2, name }) => ({ id, iso2, name })),
  );
  let nextOrderId = 1;
  for (let first = 1; first <= users; first += chunkSize) {
    const ids = Array.from({ length: Math.min(chunkSize, users - first + 1) }, (_, n) => first + n);
    const people = ids.map((id) => person(id, random, bad.get(id)));
    const orders = ids.flatMap((id) => {
      const own = ordersOf(id, nextOrderId, random);
      nextOrderId += own.length;
      return own;
    });
    await connection.beginTransaction();
    await insert(
      connection,
      'users',
      people.map(({ user }) => user),
    );
    await insert(
      connection,
      'user_cim_details',
      people.map(({ details }) => details).filter((details) => details !== null),
    );
    await insert(
      connection,
      'orders',
      orders.map(({ order }) => order),
    );
    await insert(
      connection,
      'order_items',
      orders.flatMap(({ items }) => items),
    );
    await connection.commit();
  }
}

async function insert(connection: Connection, table: string, rows: Row[]): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const columns = Object.keys(first);
  const values = rows.map((row) => columns.map((column) => row[column]));
  await connection.query('INSERT INTO ?? (??) VALUES ?', [table, columns, values]);
}
