import { numbers, type Scenario, texts, unwatched } from '../scenario.ts';

/** One table joined with itself, up to the manager's manager and down to the reports of reports. */
export const employees: Scenario = {
  name: 'employees',
  schema: [
    `CREATE TABLE employees (id INT UNSIGNED PRIMARY KEY, manager_id INT UNSIGNED NULL, mentor_id INT UNSIGNED NULL,
       name VARCHAR(30), office CHAR(3), salary INT, KEY (manager_id), KEY (mentor_id))`,
    'CREATE TABLE offices (code CHAR(3) PRIMARY KEY, city VARCHAR(30), head_id INT UNSIGNED NULL)',
  ],
  tables: [
    {
      name: 'employees',
      key: ['id'],
      columns: [
        numbers('id', 1, 14),
        numbers('manager_id', 1, 14, ['NULL']),
        numbers('mentor_id', 1, 14, ['NULL']),
        texts('name', ['Ann', 'ann', 'Bo', 'Çem']),
        texts('office', ['BER', 'ber', 'PAR', 'XXX'], ['NULL']),
        unwatched(numbers('salary', 1, 5)),
      ],
    },
    {
      name: 'offices',
      key: ['code'],
      columns: [
        texts('code', ['BER', 'PAR', 'OSL', 'par']),
        texts('city', ['Berlin', 'berlin', 'Paris', '']),
        numbers('head_id', 1, 14, ['NULL']),
      ],
    },
  ],
  joins: [
    { from: 'employees e JOIN employees m ON m.id = e.manager_id', aliases: { e: 'employees', m: 'employees' } },
    { from: 'employees e LEFT JOIN offices o ON o.code = e.office', aliases: { e: 'employees', o: 'offices' } },
  ],
  objects: [
    {
      name: 'chain',
      key: { table: 'employees', column: 'id' },
      query: `SELECT e.id AS source_id, e.name, m.name AS manager, g.name AS grand, g.manager_id AS top
        FROM employees e
        LEFT JOIN employees m ON m.id = e.manager_id
        LEFT JOIN employees g ON g.id = m.manager_id
        WHERE e.id IN (:ids)`,
    },
    {
      name: 'reports',
      key: { table: 'employees', column: 'id' },
      query: `SELECT e.id AS source_id,
          (SELECT COUNT(*) FROM employees r WHERE r.manager_id = e.id) AS reports,
          (SELECT COUNT(*) FROM employees r JOIN employees s ON s.manager_id = r.id WHERE r.manager_id = e.id AND s.name <> 'Bo') AS below,
          o.city, h.name AS head
        FROM employees e, offices o, employees h
        WHERE e.id IN (:ids) AND o.code = e.office AND h.id = o.head_id AND e.mentor_id IS NOT NULL`,
    },
    {
      name: 'offices',
      key: { table: 'offices', column: 'code' },
      query: `SELECT o.code AS source_id, o.city, COUNT(e.id) AS people, MAX(e.id) AS youngest
        FROM offices o LEFT JOIN employees e ON e.office = o.code
        WHERE o.code IN (:ids)
        GROUP BY o.code, o.city`,
    },
  ],
};
