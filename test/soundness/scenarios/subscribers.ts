import { numbers, type Scenario, texts, unwatched } from '../scenario.ts';

const mails = ['bob@x.de', 'BOB@x.de', 'bob@x.de ', 'böb@x.de', 'BÖB@X.DE', 'ann@x.de', 'Ann@X.de', ''];

/** EXISTS, NOT EXISTS, IN and NOT IN, and joins on e-mail addresses between columns of different character sets. */
export const subscribers: Scenario = {
  name: 'subscribers',
  schema: [
    `CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci, team_id INT,
       nick VARCHAR(20) CHARACTER SET latin1, visits INT, KEY (email), KEY (team_id))`,
    `CREATE TABLE subscriptions (id INT PRIMARY KEY, email VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci, list CHAR(4),
       opened INT, KEY (email))`,
    `CREATE TABLE blocked (email VARCHAR(40) CHARACTER SET utf8 COLLATE utf8_general_ci, reason VARCHAR(20), PRIMARY KEY (email))`,
    'CREATE TABLE teams (id INT PRIMARY KEY, active TINYINT(1), boss_email VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)',
    'CREATE TABLE members (team_id INT, person_id INT, role VARCHAR(10), PRIMARY KEY (team_id, person_id), KEY (person_id))',
  ],
  tables: [
    {
      name: 'people',
      key: ['id'],
      columns: [
        numbers('id', 1, 8),
        texts('email', mails, ['NULL', "'😀@x.de'"]),
        numbers('team_id', 1, 4, ['NULL']),
        texts('nick', ['ö', 'Ö', 'o'], ['NULL']),
        unwatched(numbers('visits', 1, 9)),
      ],
    },
    {
      name: 'subscriptions',
      key: ['id'],
      columns: [
        numbers('id', 1, 8),
        texts('email', mails, ['NULL']),
        texts('list', ['news', 'NEWS', 'shop']),
        numbers('opened', 0, 2, ['NULL']),
      ],
    },
    {
      name: 'blocked',
      key: ['email'],
      columns: [texts('email', mails), unwatched(texts('reason', ['spam', 'asked']))],
    },
    {
      name: 'teams',
      key: ['id'],
      columns: [numbers('id', 1, 4), numbers('active', 0, 1, ['NULL']), texts('boss_email', mails, ['NULL'])],
    },
    {
      name: 'members',
      key: ['team_id', 'person_id'],
      columns: [
        numbers('team_id', 1, 4),
        numbers('person_id', 1, 8),
        texts('role', ['lead', 'Lead', 'none'], ['NULL']),
      ],
    },
  ],
  joins: [
    { from: 'people p JOIN teams t ON t.id = p.team_id', aliases: { p: 'people', t: 'teams' } },
    {
      from: 'people p JOIN members m ON m.person_id = p.id JOIN teams t ON t.id = m.team_id',
      aliases: { p: 'people', m: 'members', t: 'teams' },
    },
    { from: 'people p LEFT JOIN subscriptions s ON s.id = p.id', aliases: { p: 'people', s: 'subscriptions' } },
  ],
  objects: [
    {
      name: 'readers',
      key: { table: 'people', column: 'id' },
      query: `SELECT p.id AS source_id, p.email, p.nick, s.list
        FROM people p
        LEFT JOIN subscriptions s ON s.email = p.email
        WHERE p.id IN (:ids) AND NOT EXISTS (SELECT 1 FROM blocked b WHERE b.email = p.email)`,
    },
    {
      name: 'leads',
      key: { table: 'people', column: 'id' },
      query: `SELECT p.id AS source_id, t.boss_email,
          (SELECT COUNT(*) FROM members m WHERE m.person_id = p.id AND m.role = 'lead') AS leads,
          EXISTS (SELECT 1 FROM subscriptions s WHERE s.email = p.email AND s.opened > 0) AS opens
        FROM people p
        LEFT JOIN teams t ON t.id = p.team_id
        WHERE p.id IN (:ids)
          AND p.team_id IN (SELECT m.team_id FROM members m WHERE m.person_id = p.id)`,
    },
    {
      name: 'free',
      key: { table: 'people', column: 'id' },
      query: `SELECT p.id AS source_id, p.nick
        FROM people p
        WHERE p.id IN (:ids)
          AND p.id NOT IN (SELECT m.person_id FROM members m JOIN teams t ON t.id = m.team_id WHERE t.active = 1)
          AND (p.email IN (SELECT b.email FROM blocked b) OR p.nick = 'o' OR EXISTS (SELECT * FROM teams t WHERE t.boss_email = p.email))`,
    },
    {
      // The join compares as utf8mb4_unicode_ci, where ö is o; the column's own collation would keep them apart.
      name: 'subscriptions',
      key: { table: 'subscriptions', column: 'id' },
      query: `SELECT s.id AS source_id, p.nick, t.active, b.email AS blocked
        FROM subscriptions s
        LEFT JOIN people p ON p.email = s.email
        LEFT JOIN teams t ON t.id = p.team_id
        LEFT JOIN blocked b ON b.email = s.email
        WHERE s.id IN (:ids)`,
    },
    {
      name: 'teams',
      key: { table: 'teams', column: 'id' },
      query: `SELECT t.id AS source_id, b.nick AS boss, COUNT(s.id) AS subscriptions
        FROM teams t
        INNER JOIN members m ON t.id = m.team_id AND m.person_id <> 8
        INNER JOIN people b ON b.email = t.boss_email
        LEFT JOIN subscriptions s ON b.email = s.email AND s.list = 'news'
        WHERE t.id IN (:ids)
        GROUP BY t.id, b.id, b.nick`,
    },
  ],
};
