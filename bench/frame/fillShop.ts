import type { Connection } from 'mysql2/promise';
import { countries } from '../../examples/shop/people.ts';
import { createShopTables } from '../../examples/shop/seed.ts';

const CHUNK = 50_000;

/**
 * The shop's tables with so many good users, ids from 1: each with details, every second with an order of two items.
 * Filled by the server itself, since a million rows are asked for.
 */
export async function fillShop(connection: Connection, users: number): Promise<void> {
  await createShopTables(connection);
  await connection.query("SET SESSION sql_mode = '', time_zone = '+00:00'");
  await connection.query('INSERT INTO countries (id, iso2, name) VALUES ?', [
    countries.map(({ id, iso2, name }) => [id, iso2, name]),
  ]);
  await createNumbers(connection);
  for (let first = 1; first <= users; first += CHUNK) {
    const numbers = numbersBetween(first, Math.min(users, first + CHUNK - 1));
    await connection.query(`INSERT INTO users ${usersOf(numbers)}`);
    await connection.query(`INSERT INTO user_cim_details ${detailsOf(numbers)}`);
    await connection.query(`INSERT INTO orders ${ordersOf(numbers)}`);
    await connection.query(`INSERT INTO order_items (order_id, sku, quantity, price) ${itemsOf(numbers)}`);
  }
  await connection.query('ANALYZE TABLE users, user_cim_details, orders, order_items');
}

/** A thousand numbers, from which a join makes as many as are wanted. */
export async function createNumbers(connection: Connection): Promise<void> {
  await connection.query('CREATE TABLE bench_number (n INT UNSIGNED NOT NULL PRIMARY KEY) ENGINE=InnoDB');
  await connection.query('INSERT INTO bench_number VALUES ?', [Array.from({ length: 1_000 }, (_, n) => [n])]);
}

/** A derived table `x` with a column `n` from `first` to `last`. */
export function numbersBetween(first: number, last: number): string {
  const blocks = Math.ceil((last - first + 1) / 1_000);
  return `(SELECT ${first} + 1000 * a.n + b.n AS n FROM bench_number a STRAIGHT_JOIN bench_number b
    WHERE a.n < ${blocks} AND ${first} + 1000 * a.n + b.n <= ${last}) x`;
}

function usersOf(numbers: string): string {
  return `(id, email, first_name, last_name, company, user_status, customer_group, interests, newsletter, loyalty_points,
           birthday, country_id, password_hash, login_count, registered_at, last_login)
    SELECT n, CONCAT('customer.', n, '@example.com'), CONCAT('First', n % 97), CONCAT('Last', n % 991),
           IF(n % 4 = 0, 'ACME Tools Ltd.', NULL), 'A', ELT(n % 3 + 1, 'Retail', 'Trade', 'Key account'),
           ELT(n % 3 + 1, 'shoes', 'bags,sale', ''), n % 2, n % 5000, DATE('1980-01-01') + INTERVAL n % 9000 DAY,
           n % 10 + 1, LEFT(SHA2(n, 256), 32), n % 900, TIMESTAMP('2015-01-01 12:00:00') + INTERVAL n % 3000 DAY,
           TIMESTAMP('2024-01-01 12:00:00') + INTERVAL n % 300 DAY
    FROM ${numbers}`;
}

function detailsOf(numbers: string): string {
  return `(user_id, phone, street, zip, city, notes, consent_at)
    SELECT n, CONCAT('+49 30 ', n), CONCAT('Long Street ', n % 240), LPAD(n % 99999, 5, '0'), 'Leipzig',
           IF(n % 5 = 0, 'Prefers delivery on Saturdays', NULL), TIMESTAMP('2020-01-01 12:00:00') + INTERVAL n % 900 DAY
    FROM ${numbers}`;
}

function ordersOf(numbers: string): string {
  return `(id, order_number, user_id, state, total, ordered_at)
    SELECT n, CONCAT('S-', LPAD(n, 10, '0')), n, 'shipped', 49.90, TIMESTAMP('2024-01-01 12:00:00') + INTERVAL n % 300 DAY
    FROM ${numbers} WHERE n % 2 = 0`;
}

function itemsOf(numbers: string): string {
  return `SELECT x.n, CONCAT('SHO-', t.n, '-', x.n % 5000), 1 + t.n, 24.95
    FROM ${numbers} JOIN bench_number t ON t.n < 2 WHERE x.n % 2 = 0`;
}
