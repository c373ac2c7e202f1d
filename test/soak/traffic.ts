import type { Random } from '../../examples/shop/random.ts';
import type { Session, Touches, Value } from './application.ts';

/** Something the shop does. Drawn from the seed alone, so that one seed is one plan, whatever the tables hold by then. */
export type Action = { name: string; run(session: Session): Promise<unknown> };

/** Users are 1 … 300 at first; up to here they are inserted, and from 1,000 on live those whose key was changed. */
const MOST_USERS = 340;
const MOVED = 1_000;
const FIRST_NEW_ORDER = 10_000;

const FIRST_NAMES = ['Ada', 'Björn', 'Zoë', 'Łukasz', '美咲', 'Grace', 'O’Neil', 'Jean-Noël', 'Ümit', 'X Æ'];
const GROUPS = ['Retail', 'Trade', 'Key account'];
const BAD_EMAILS = ['jane.doe@', 'no at sign', 'max@example.com, erika@example.com', '', null, 'a b@example.com'];
/** What no property of HubSpot takes, by column. */
const BAD_VALUES = [
  ['customer_group', 'Wholesale (old)', 'Trade'],
  ['interests', 'shoes,fax', 'shoes,bags'],
  ['loyalty_points', '12,5', '125'],
  ['loyalty_points', 'about 1.200', '1200'],
  ['birthday', '1984-07-00', '1984-07-01'],
] as const;

type Draw = (random: Random, n: number) => Action;

/** Single statements, each a transaction of its own; `n` makes values that were never there before. */
const SINGLE: readonly (readonly [weight: number, name: string, draw: Draw])[] = [
  [
    12,
    'change a name',
    (random, n) =>
      users([user(random)], 'UPDATE users SET first_name = ? WHERE id = ?', [`${random.pick(FIRST_NAMES)} ${n}`]),
  ],
  [
    4,
    'change what HubSpot does not see',
    (random) => users([user(random)], 'UPDATE users SET login_count = login_count + 1 WHERE id = ?', []),
  ],
  [
    6,
    'change a company',
    (random, n) =>
      users([user(random)], 'UPDATE users SET company = ?, newsletter = 1 - newsletter WHERE id = ?', [`Café ${n}`]),
  ],
  [
    8,
    'change an e-mail',
    (random, n) => users([user(random)], 'UPDATE users SET email = ? WHERE id = ?', [newEmail(n)]),
  ],
  [
    4,
    'change an e-mail in capitals',
    (random, n) => users([user(random)], 'UPDATE users SET email = ? WHERE id = ?', [newEmail(n).toUpperCase()]),
  ],
  [
    5,
    'give two users one e-mail',
    (random) =>
      users([user(random)], 'UPDATE users SET email = ? WHERE id = ?', [`pool${random.integer(1, 25)}@example.com`]),
  ],
  [4, 'swap two e-mails in one statement', (random) => swapAtOnce(pair(random))],
  [4, 'swap two e-mails in two statements', (random) => swapInTwo(pair(random))],
  [3, 'pass an e-mail on around three', (random) => passAround(random)],
  [
    3,
    'give a bad e-mail',
    (random) => users([user(random)], 'UPDATE users SET email = ? WHERE id = ?', [random.pick(BAD_EMAILS)]),
  ],
  [4, 'give a bad value', (random) => badValue(random, 1)],
  [4, 'mend a value', (random) => badValue(random, 2)],
  [5, 'mend everything of a few', (random, n) => mend(random, n)],
  [
    6,
    'change a status',
    (random) =>
      users([user(random)], 'UPDATE users SET user_status = ? WHERE id = ?', [random.pick(['A', 'N', 'C', 'G'])]),
  ],
  [3, 'bring back a few', (random) => range(random, 20, "UPDATE users SET user_status = 'A' WHERE id BETWEEN ? AND ?")],
  [3, 'delete a user', (random) => users([user(random)], 'DELETE FROM users WHERE id = ?', [])],
  [5, 'insert a user', (random, n) => insert(random, n, 'INSERT INTO')],
  [3, 'replace a user', (random, n) => insert(random, n, 'REPLACE INTO')],
  [
    4,
    'insert or update a user',
    (random, n) =>
      insert(random, n, 'INSERT INTO', ' ON DUPLICATE KEY UPDATE last_name = VALUES(last_name), email = VALUES(email)'),
  ],
  [3, 'change a key', (random) => changeKey(user(random))],
  [6, 'change details', (random, n) => details(random, n)],
  [2, 'delete details', (random) => users([user(random)], 'DELETE FROM user_cim_details WHERE user_id = ?', [])],
  [
    2,
    'rename a country',
    (random, n) =>
      act({ users: 'all' }, 'UPDATE countries SET name = ? WHERE id = ?', [`Country ${n}`, random.integer(1, 10)]),
  ],
  [
    4,
    'move to another country',
    (random) =>
      users([user(random)], 'UPDATE users SET country_id = ? WHERE id = ?', [random.pick([null, ...range1to(10)])]),
  ],
  [8, 'place an order', (random, n) => placeOrder(random, n)],
  [
    5,
    'change the state of an order',
    (random) =>
      orders(order(random), 'UPDATE orders SET state = ? WHERE id = ?', [
        random.pick(['open', 'paid', 'shipped', 'cancelled']),
      ]),
  ],
  [3, 'change a total', (random, n) => orders(order(random), 'UPDATE orders SET total = ? WHERE id = ?', [`${n}.50`])],
  [
    3,
    'change an item',
    (random) => orders(order(random), 'UPDATE order_items SET quantity = ? WHERE order_id = ?', [random.integer(1, 9)]),
  ],
  [3, 'delete items', (random) => orders(order(random), 'DELETE FROM order_items WHERE order_id = ? LIMIT 1', [])],
  [
    3,
    'give an order to another user',
    (random) => orders(order(random), 'UPDATE orders SET user_id = ? WHERE id = ?', [user(random)]),
  ],
  [2, 'delete an order', (random) => orders(order(random), 'DELETE FROM orders WHERE id = ?', [])],
  [
    2,
    'change the number of an order',
    (random, n) => orders(order(random), 'UPDATE orders SET order_number = ? WHERE id = ?', [`S-new-${n}`]),
  ],
  [
    2,
    'change the key of an order',
    (random, n) => orders(order(random), `UPDATE orders SET id = ${FIRST_NEW_ORDER * 10 + n} WHERE id = ?`, []),
  ],
  [2, 'swap the numbers of two orders', (random) => swapNumbers(random)],
  [
    3,
    'change some users',
    (random, n) => range(random, 60, 'UPDATE users SET company = ? WHERE id BETWEEN ? AND ?', [`Firm ${n}`]),
  ],
  [
    2,
    'change all users',
    (random, n) => act({ users: 'all' }, 'UPDATE users SET last_name = ?', [`${random.pick(FIRST_NAMES)} ${n}`]),
  ],
  [
    1,
    'change many e-mails',
    (random, n) =>
      range(
        random,
        30,
        "UPDATE users SET email = CONCAT('many', ?, '.', id, '@example.net') WHERE id BETWEEN ? AND ?",
        [n],
      ),
  ],
  [1, 'close some users', (random) => range(random, 15, "UPDATE users SET user_status = 'C' WHERE id BETWEEN ? AND ?")],
  [
    1,
    'change all orders',
    (_, n) => act({ orders: 'all' }, 'UPDATE orders SET total = total + ?', [`0.${10 + (n % 89)}`]),
  ],
];

export function drawAction(random: Random, n: number): Action {
  const total = SINGLE.reduce((sum, [weight]) => sum + weight, 0);
  let at = random.next() * total;
  for (const [weight, name, draw] of SINGLE) {
    at -= weight;
    if (at < 0) return { ...draw(random, n), name };
  }
  throw new Error('the weights do not add up');
}

/** A transaction that stays open for a while, from the lowest table and key to the highest, and commits late or not at all. */
export function drawTransaction(random: Random, n: number): Action {
  const [a, b] = pair(random);
  const end = random.chance(0.25) ? ('ROLLBACK' as const) : ('COMMIT' as const);
  const holdMs = random.integer(50, 3_000);
  const isMass = random.chance(0.1);
  const id = FIRST_NEW_ORDER + 100_000 + n;
  const number = `S-slow-${n}`;
  const rename = 'UPDATE users SET last_name = ? WHERE id = ?';
  const number2 = random.integer(1, 25);
  return {
    name: `a transaction that ends with ${end}`,
    run: (session) =>
      session.transaction(
        [
          isMass
            ? [{ users: 'all' }, 'UPDATE users SET company = ?', [`Slow ${n}`]]
            : [{ users: [a] }, rename, [`Slow ${n}`, a]],
          [
            { users: [b] },
            'UPDATE users SET email = ? WHERE id = ?',
            [n % 3 === 0 ? `pool${number2}@example.com` : newEmail(n, 'slow'), b],
          ],
          [{ users: [b] }, 'UPDATE user_cim_details SET city = ? WHERE user_id = ?', [`City ${n}`, b]],
          [
            { users: [a], orders: [id] },
            "INSERT INTO orders (id, order_number, user_id, total, ordered_at) VALUES (?, ?, ?, '12.50', '2025-02-03 12:00:00')",
            [id, number, a],
          ],
          [
            { users: [a], orders: [id] },
            "INSERT INTO order_items (order_id, sku, price) VALUES (?, 'SLO-1', '12.50')",
            [id],
          ],
        ],
        { holdMs, end },
      ),
  };
}

function act(touches: Touches, sql: string, values: readonly Value[]): Action {
  return { name: '', run: (session) => session.execute(touches, sql, values) };
}

/** A statement whose last value is the user's id. */
function users(ids: readonly number[], sql: string, values: readonly Value[]): Action {
  return act({ users: ids }, sql, [...values, ...ids]);
}

function orders(id: number, sql: string, values: readonly Value[]): Action {
  const touches = { orders: [id], ...(/user_id = \?/.test(sql) ? { users: values as number[] } : {}) };
  return act(touches, sql, [...values, id]);
}

function range(random: Random, most: number, sql: string, values: readonly Value[] = []): Action {
  const first = user(random);
  const last = first + random.integer(1, most);
  const ids = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  return act({ users: ids }, sql, [...values, first, last]);
}

/** Now and then one whose key was changed before. */
function user(random: Random): number {
  const id = random.integer(1, MOST_USERS);
  return random.chance(0.06) ? id + MOVED : id;
}

function pair(random: Random): [number, number] {
  const a = random.integer(1, MOST_USERS - 1);
  const b = random.integer(a + 1, MOST_USERS);
  return [a, b];
}

function order(random: Random): number {
  return random.chance(0.3) ? FIRST_NEW_ORDER + random.integer(1, 400) : random.integer(1, 320);
}

function newEmail(n: number, prefix = 'new'): string {
  return `${prefix}.${n}@example.org`;
}

const SWAP = 'UPDATE users SET email = CASE id WHEN ? THEN ? ELSE ? END WHERE id IN (?, ?)';

function swapAtOnce([a, b]: [number, number]): Action {
  return {
    name: '',
    run: async (session) => {
      const [first, second] = await emailsOf(session, [a, b]);
      if (first === undefined || second === undefined) return;
      await session.execute({ users: [a, b] }, SWAP, [a, second, first, a, b]);
    },
  };
}

function swapInTwo([a, b]: [number, number]): Action {
  return {
    name: '',
    run: async (session) => {
      const [first, second] = await emailsOf(session, [a, b]);
      if (first === undefined || second === undefined) return;
      await session.execute({ users: [a] }, 'UPDATE users SET email = ? WHERE id = ?', [second, a]);
      await session.execute({ users: [b] }, 'UPDATE users SET email = ? WHERE id = ?', [first, b]);
    },
  };
}

function passAround(random: Random): Action {
  const ids = [...new Set([user(random), user(random), user(random)])].sort((a, b) => a - b);
  return {
    name: '',
    run: async (session) => {
      const emails = await emailsOf(session, ids);
      if (emails.includes(undefined)) return;
      const moved = [...emails.slice(1), emails[0]].map((email) => email ?? null);
      await session.transaction(
        ids.map((id, at) => [{ users: [id] }, 'UPDATE users SET email = ? WHERE id = ?', [moved[at] ?? null, id]]),
      );
    },
  };
}

async function emailsOf(session: Session, ids: readonly number[]): Promise<(string | null | undefined)[]> {
  const rows = await session.read('SELECT id, email FROM users WHERE id IN (?)', [ids]);
  return ids.map((id) => rows.find((row) => Number(row.id) === id)?.email);
}

function badValue(random: Random, which: 1 | 2): Action {
  const bad = random.pick(BAD_VALUES);
  return users([user(random)], `UPDATE users SET ${bad[0]} = ? WHERE id = ?`, [bad[which]]);
}

function mend(random: Random, n: number): Action {
  const first = user(random);
  const ids = Array.from({ length: 8 }, (_, at) => first + at);
  const sql = `UPDATE users SET email = CONCAT('mended', ?, '.', id, '@example.org'), customer_group = ?, interests = 'bags',
    loyalty_points = '7', birthday = '1990-01-02' WHERE id BETWEEN ? AND ?`;
  return act({ users: ids }, sql, [n, random.pick(GROUPS), first, first + 7]);
}

function insert(random: Random, n: number, verb: string, suffix = ''): Action {
  const id = random.integer(1, MOST_USERS);
  const sql = `${verb} users (id, email, first_name, last_name, user_status, country_id, registered_at)
    VALUES (?, ?, ?, ?, 'A', ?, '2024-05-06 12:00:00')${suffix}`;
  return act({ users: [id] }, sql, [id, newEmail(n, 'made'), 'Made', `Nr. ${n}`, random.integer(1, 10)]);
}

/** Upwards only: down and up at the same time the shop would deadlock with its own mass changes. */
function changeKey(id: number): Action {
  return act({ users: [id, id + MOVED] }, 'UPDATE users SET id = ? WHERE id = ?', [id + MOVED, id]);
}

function details(random: Random, n: number): Action {
  const id = user(random);
  const sql = `INSERT INTO user_cim_details (user_id, phone, city, notes, consent_at)
    VALUES (?, ?, ?, ?, '2025-01-02 10:00:00') ON DUPLICATE KEY UPDATE phone = VALUES(phone), city = VALUES(city), notes = VALUES(notes)`;
  return act({ users: [id] }, sql, [id, `+49 30 ${n}`, `Köln ${n}`, random.pick([null, `Note ${n} 📦`])]);
}

function placeOrder(random: Random, n: number): Action {
  const id = FIRST_NEW_ORDER + random.integer(1, 400);
  const owner = user(random);
  const insertOrder =
    "INSERT INTO orders (id, order_number, user_id, state, total, ordered_at) VALUES (?, ?, ?, ?, '19.90', '2025-03-04 12:00:00')";
  const insertItem = "INSERT INTO order_items (order_id, sku, quantity, price) VALUES (?, 'SOA-1', ?, '9.95')";
  const touches = { users: [owner], orders: [id] };
  const state = random.pick(['open', 'paid', 'cancelled']);
  const quantity = random.integer(1, 5);
  return {
    name: '',
    run: (session) =>
      session.transaction([
        [touches, insertOrder, [id, `S-${id}-${n}`, owner, state]],
        [touches, insertItem, [id, quantity]],
      ]),
  };
}

/** In one transaction over a number nobody has, since the column is unique. */
function swapNumbers(random: Random): Action {
  const a = random.integer(1, 319);
  const b = random.integer(a + 1, 320);
  const sql = 'UPDATE orders SET order_number = ? WHERE id = ?';
  return {
    name: '',
    run: async (session) => {
      const rows = await session.read('SELECT id, order_number FROM orders WHERE id IN (?)', [[a, b]]);
      const [first, second] = [a, b].map((id) => rows.find((row) => Number(row.id) === id)?.order_number);
      if (first === undefined || second === undefined) return;
      await session.transaction([
        [{ orders: [a] }, sql, [`S-swap-${a}`, a]],
        [{ orders: [b] }, sql, [first, b]],
        [{ orders: [a] }, sql, [second, a]],
      ]);
    },
  };
}

function range1to(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}
