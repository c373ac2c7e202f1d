import type { Connection } from 'mysql2/promise';
import { type Random, randomFrom } from '../../examples/shop/random.ts';
import { connectAsApplication } from '../support/database.ts';

export type Storm = {
  committed: number;
  /** errno → how often */
  errors: Record<string, number>;
  /** How long transactions took. */
  medianMs: number;
  p99Ms: number;
  maxMs: number;
};

type Order = { id: number; items: number[] };

/**
 * What a transaction may lock. All go through their rows in ascending order; forward transactions through users, even
 * orders and their items, backward ones through items of odd orders, odd orders and details. No row is in both, so they
 * cannot deadlock; but their records are the same, met in opposite order. Orders that a session made are its own.
 */
type Ground = { users: number[]; even: Order[]; odd: Order[] };

type Session = { connection: Connection; random: Random; name: string; own: Order[]; made: number };

/** Many short transactions of an application that never deadlocks by itself. The same seed asks for the same. */
export async function storm(
  database: { url: string },
  { transactions, connections, seed }: { transactions: number; connections: number; seed: number },
): Promise<Storm> {
  const sessions = await Promise.all(Array.from({ length: connections }, (_, n) => openSession(database, seed, n)));
  const ground = await survey(sessions[0]);
  const errors: Record<string, number> = {};
  const took: number[] = [];
  let begun = 0;
  await Promise.all(
    sessions.map(async (session) => {
      while (begun++ < transactions) {
        const error = await transact(session, ground, took);
        if (error !== null) errors[error] = (errors[error] ?? 0) + 1;
      }
      await session.connection.end();
    }),
  );
  took.sort((a, b) => a - b);
  const at = (share: number) => Math.round((took[Math.floor((took.length - 1) * share)] ?? 0) * 10) / 10;
  return { committed: took.length, errors, medianMs: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

async function openSession(database: { url: string }, seed: number, n: number): Promise<Session> {
  const connection = await connectAsApplication(database);
  await connection.query("SET SESSION sql_mode = '', innodb_lock_wait_timeout = 10");
  return { connection, random: randomFrom(seed * 1_000 + n), name: `s${seed}c${n}`, own: [], made: 0 };
}

/** Few enough rows that sessions meet all the time. */
async function survey(session: Session | undefined): Promise<Ground> {
  if (session === undefined) throw new Error('expected at least one connection');
  const [users] = await session.connection.query('SELECT id FROM users WHERE id BETWEEN 30 AND 150 ORDER BY id');
  const [items] = await session.connection.query(
    `SELECT i.id, i.order_id AS orderId FROM order_items i JOIN orders o ON o.id = i.order_id
     WHERE o.user_id BETWEEN 30 AND 150 ORDER BY i.order_id, i.id`,
  );
  const byOrder = Map.groupBy(items as { id: number; orderId: number }[], ({ orderId }) => orderId);
  const orders = [...byOrder].map(([id, ofOrder]) => ({ id, items: ofOrder.map((item) => item.id) }));
  return {
    users: (users as { id: number }[]).map(({ id }) => id),
    even: orders.filter(({ id }) => id % 2 === 0),
    odd: orders.filter(({ id }) => id % 2 === 1),
  };
}

/** One transaction; the number of the error it met, or null. */
async function transact(session: Session, ground: Ground, took: number[]): Promise<string | null> {
  const { connection, random } = session;
  const began = performance.now();
  try {
    await connection.beginTransaction();
    const kind = random.next();
    if (kind < 0.45) await forward(session, ground);
    else if (kind < 0.85) await backward(session, ground);
    else if (kind < 0.93) await place(session, ground);
    else if (kind < 0.97) await withdraw(session);
    else if (kind < 0.99) await register(session);
    else await connection.query('UPDATE countries SET name = ? WHERE id = 3', [`Country ${random.integer(1, 9)}`]);
    await connection.commit();
    took.push(performance.now() - began);
    return null;
  } catch (error) {
    await connection.rollback();
    return String((error as { errno?: number }).errno ?? error);
  }
}

async function forward({ connection, random, name }: Session, { users, even }: Ground): Promise<void> {
  for (const id of some(users, random)) {
    const [column, value] = random.pick([
      ['last_name', `${name} ${random.integer(1, 9_999)}`],
      ['newsletter', random.integer(0, 1)],
      ['loyalty_points', String(random.integer(0, 5_000))],
      ['email', `user.${id}.${random.integer(1, 99)}@example.com`],
    ] as const);
    await connection.query('UPDATE users SET ?? = ? WHERE id = ?', [column, value, id]);
  }
  const orders = some(even, random);
  await changeOrders(connection, random, orders);
  await changeItems(connection, random, orders);
}

async function backward({ connection, random, name }: Session, { users, odd }: Ground): Promise<void> {
  const orders = some(odd, random);
  await changeItems(connection, random, orders);
  await changeOrders(connection, random, orders);
  for (const id of some(users, random)) {
    await connection.query('UPDATE user_cim_details SET city = ? WHERE user_id = ?', [
      `${name} ${random.integer(1, 9_999)}`,
      id,
    ]);
  }
}

/** An order of the session's own, which nobody else locks. */
async function place(session: Session, { users }: Ground): Promise<void> {
  await makeOrder(session, session.random.pick(users));
}

async function withdraw({ connection, own }: Session): Promise<void> {
  const order = own.pop();
  if (order === undefined) return;
  for (const id of order.items) await connection.query('DELETE FROM order_items WHERE id = ?', [id]);
  await connection.query('DELETE FROM orders WHERE id = ?', [order.id]);
}

async function register(session: Session): Promise<void> {
  const { connection, random, name } = session;
  session.made += 1;
  const userId = await insert(connection, 'users', {
    email: `new.${name}.${session.made}@example.com`,
    first_name: name,
    user_status: 'A',
    country_id: 3,
  });
  await insert(connection, 'user_cim_details', { user_id: userId, city: `City ${random.integer(1, 9)}` });
  await makeOrder(session, userId);
}

async function makeOrder(session: Session, userId: number): Promise<void> {
  const { connection, random, name } = session;
  session.made += 1;
  const order_number = `${name}-${session.made}`;
  const id = await insert(connection, 'orders', { order_number, user_id: userId, state: 'paid', total: '19.90' });
  const item = { order_id: id, sku: 'STORM', quantity: random.integer(1, 9), price: '1.99' };
  session.own.push({
    id,
    items: [await insert(connection, 'order_items', item), await insert(connection, 'order_items', item)],
  });
}

async function changeOrders(connection: Connection, random: Random, orders: readonly Order[]): Promise<void> {
  for (const { id } of orders) {
    const change = { state: random.pick(['open', 'paid', 'cancelled']), total: `${random.integer(1, 999)}.90` };
    await connection.query('UPDATE orders SET ? WHERE id = ?', [change, id]);
  }
}

async function changeItems(connection: Connection, random: Random, orders: readonly Order[]): Promise<void> {
  const items = orders.flatMap((order) => order.items).sort((a, b) => a - b);
  for (const id of items) {
    await connection.query('UPDATE order_items SET quantity = ? WHERE id = ?', [random.integer(1, 99), id]);
  }
}

async function insert(connection: Connection, table: string, row: Record<string, unknown>): Promise<number> {
  const [result] = await connection.query('INSERT INTO ?? SET ?', [table, row]);
  return (result as { insertId: number }).insertId;
}

/** One to three of a list, in its order. */
function some<T>(list: readonly T[], random: Random): T[] {
  const chosen = new Set(Array.from({ length: random.integer(1, 3) }, () => random.integer(0, list.length - 1)));
  return list.filter((_, index) => chosen.has(index));
}
