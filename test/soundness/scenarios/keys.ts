import { numbers, type Scenario, texts, unwatched } from '../scenario.ts';

const codes = ['k1', 'K1', 'k2', 'k2 ', 'ä', 'A', 'Straße', 'strasse'];
const tokens = ["x'0001'", "x'0002'", "x'FF00'", "x'0041'", "x'00'"];

/** Records known by text in a case-insensitive collation or by binary; numbers joined with text; dates as join values. */
export const keys: Scenario = {
  name: 'keys',
  schema: [
    `CREATE TABLE accounts (code VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, name VARCHAR(20), opened DATE,
       number VARCHAR(10) CHARACTER SET latin1, hits INT)`,
    'CREATE TABLE bookings (id INT PRIMARY KEY, account VARCHAR(20) CHARACTER SET latin1, amount DECIMAL(8,3), KEY (account))',
    'CREATE TABLE devices (token BINARY(2) PRIMARY KEY, account VARCHAR(20) CHARACTER SET utf8, label VARBINARY(10), KEY (account))',
    'CREATE TABLE events (id INT PRIMARY KEY, token VARBINARY(4), day DATE, flags BIT(3), KEY (token))',
    'CREATE TABLE holidays (day DATE PRIMARY KEY, name VARCHAR(20))',
  ],
  tables: [
    {
      name: 'accounts',
      key: ['code'],
      columns: [
        texts('code', codes),
        texts('name', ['x', 'X', 'y'], ['NULL']),
        { name: 'opened', kind: 'other', values: ["'2024-01-01'", "'2024-01-02'", "'0000-00-00'", 'NULL'] },
        texts('number', ['1', '01', '2', '3x', ''], ['NULL']),
        unwatched(numbers('hits', 1, 5)),
      ],
    },
    {
      name: 'bookings',
      key: ['id'],
      columns: [
        numbers('id', 1, 6),
        texts('account', codes, ['NULL']),
        numbers('amount', 1, 3, ['1.5', '1.500', 'NULL']),
      ],
    },
    {
      name: 'devices',
      key: ['token'],
      columns: [
        { name: 'token', kind: 'other', values: tokens },
        texts('account', codes, ['NULL']),
        { name: 'label', kind: 'other', values: ["'a'", "'A'", "x'00FF'", 'NULL'] },
      ],
    },
    {
      name: 'events',
      key: ['id'],
      columns: [
        numbers('id', 1, 8),
        { name: 'token', kind: 'other', values: [...tokens, 'NULL'] },
        { name: 'day', kind: 'other', values: ["'2024-01-01'", "'2024-01-02'", "'0000-00-00'", 'NULL'] },
        { name: 'flags', kind: 'other', values: ["b'000'", "b'101'", "b'1'", 'NULL'] },
      ],
    },
    {
      name: 'holidays',
      key: ['day'],
      columns: [
        { name: 'day', kind: 'other', values: ["'2024-01-01'", "'2024-01-02'", "'0000-00-00'"] },
        texts('name', ['new', 'New', 'none']),
      ],
    },
  ],
  joins: [
    { from: 'accounts a JOIN bookings b ON b.account = a.code', aliases: { a: 'accounts', b: 'bookings' } },
    { from: 'devices d JOIN events e ON e.token = d.token', aliases: { d: 'devices', e: 'events' } },
  ],
  objects: [
    {
      name: 'accounts',
      key: { table: 'accounts', column: 'code' },
      query: `SELECT a.code AS source_id, a.name, (SELECT SUM(b.amount) FROM bookings b WHERE b.account = a.code) AS amount, h.name AS holiday
        FROM accounts a LEFT JOIN holidays h ON h.day = a.opened
        WHERE a.code IN (:ids)`,
    },
    {
      name: 'devices',
      key: { table: 'devices', column: 'token' },
      query: `SELECT d.token AS source_id, d.label, a.name, COUNT(e.id) AS events, BIT_OR(e.flags) AS flags
        FROM devices d
        LEFT JOIN accounts a ON a.code = d.account
        LEFT JOIN events e ON e.token = d.token
        WHERE d.token IN (:ids)
        GROUP BY d.token, d.label, a.code, a.name`,
    },
    {
      name: 'numbers',
      key: { table: 'bookings', column: 'id' },
      query: `SELECT b.id AS source_id, a.name FROM bookings b LEFT JOIN accounts a ON a.number = b.id WHERE b.id IN (:ids)`,
    },
    {
      name: 'days',
      key: { table: 'events', column: 'id' },
      query: `SELECT e.id AS source_id, h.name, d.label
        FROM events e JOIN holidays h ON h.day = e.day LEFT JOIN devices d ON d.token = e.token
        WHERE e.id IN (:ids) AND e.flags IS NOT NULL`,
    },
  ],
};
