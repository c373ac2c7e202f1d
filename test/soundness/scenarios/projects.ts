import { numbers, type Scenario, texts, unwatched } from '../scenario.ts';

/** Three joins one after the other, aggregates over the far end, grouping, and a subquery in a subquery. */
export const projects: Scenario = {
  name: 'projects',
  schema: [
    'CREATE TABLE regions (id INT PRIMARY KEY, name VARCHAR(20), rate DECIMAL(6,2))',
    `CREATE TABLE clients (id INT PRIMARY KEY, region_id INT NULL, name VARCHAR(30), level ENUM('low', 'mid', 'top'),
       memo VARCHAR(30), KEY (region_id))`,
    'CREATE TABLE projects (id BIGINT UNSIGNED PRIMARY KEY, client_id INT, title VARCHAR(30), budget DECIMAL(8,2), KEY (client_id))',
    'CREATE TABLE tasks (id INT PRIMARY KEY, project_id BIGINT UNSIGNED, state CHAR(4), memo TEXT, KEY (project_id))',
    'CREATE TABLE hours (task_id INT, day DATE, amount DECIMAL(5,2), PRIMARY KEY (task_id, day))',
  ],
  tables: [
    {
      name: 'regions',
      key: ['id'],
      columns: [numbers('id', 1, 4), texts('name', ['North', 'north', 'Süd']), numbers('rate', 1, 3)],
    },
    {
      name: 'clients',
      key: ['id'],
      columns: [
        numbers('id', 1, 8),
        numbers('region_id', 1, 5, ['NULL']),
        texts('name', ['Ada', 'ADA', 'Ada ', 'Bea', '']),
        { name: 'level', kind: 'other', values: ["'low'", "'mid'", "'top'", 'NULL', "'none'"] },
        unwatched(texts('memo', ['x', 'y', 'z'])),
      ],
    },
    {
      name: 'projects',
      key: ['id'],
      columns: [
        numbers('id', 1, 8),
        numbers('client_id', 1, 9, ['NULL']),
        texts('title', ['a', 'A', 'b']),
        numbers('budget', 1, 3, ['10.50', 'NULL']),
      ],
    },
    {
      name: 'tasks',
      key: ['id'],
      columns: [
        numbers('id', 1, 12),
        numbers('project_id', 1, 9, ['NULL']),
        texts('state', ['open', 'OPEN', 'done', '']),
        unwatched(texts('memo', ['x', 'y'], ['NULL'])),
      ],
    },
    {
      name: 'hours',
      key: ['task_id', 'day'],
      columns: [
        numbers('task_id', 1, 12),
        { name: 'day', kind: 'other', values: ["'2024-01-01'", "'2024-02-29'", "'0000-00-00'", "'2025-12-31'"] },
        numbers('amount', 0, 3, ['1.25', 'NULL']),
      ],
    },
  ],
  joins: [
    { from: 'clients c JOIN projects p ON p.client_id = c.id', aliases: { c: 'clients', p: 'projects' } },
    { from: 'projects p LEFT JOIN tasks t ON t.project_id = p.id', aliases: { p: 'projects', t: 'tasks' } },
    {
      from: 'tasks t JOIN hours h ON h.task_id = t.id JOIN projects p ON p.id = t.project_id',
      aliases: { t: 'tasks', h: 'hours', p: 'projects' },
    },
    { from: 'regions r JOIN clients c ON c.region_id = r.id', aliases: { r: 'regions', c: 'clients' } },
  ],
  objects: [
    {
      name: 'clients',
      key: { table: 'clients', column: 'id' },
      query: `SELECT c.id AS source_id, c.name, r.name AS region, SUM(h.amount) AS hours, COUNT(DISTINCT p.id) AS projects
        FROM clients c
        LEFT JOIN regions r ON r.id = c.region_id
        LEFT JOIN projects p ON p.client_id = c.id
        LEFT JOIN tasks t ON t.project_id = p.id AND t.state <> 'done'
        LEFT JOIN hours h ON h.task_id = t.id
        WHERE c.id IN (:ids)
        GROUP BY c.id, c.name, r.name`,
    },
    {
      name: 'busy',
      key: { table: 'clients', column: 'id' },
      query: `SELECT c.id AS source_id, c.level,
          (SELECT SUM(h.amount * r.rate) FROM projects p JOIN tasks t ON t.project_id = p.id JOIN hours h ON h.task_id = t.id
            WHERE p.client_id = c.id AND h.day > '2024-01-31') AS value,
          (SELECT MAX(p.budget) FROM projects p
            WHERE p.client_id = c.id AND EXISTS (SELECT 1 FROM tasks x WHERE x.project_id = p.id AND x.state = 'open')) AS budget
        FROM clients c
        JOIN regions r ON c.region_id = r.id
        WHERE c.id IN (:ids) AND c.level IN ('mid', 'top')`,
    },
    {
      name: 'work',
      key: { table: 'projects', column: 'id' },
      query: `SELECT p.id source_id, title, COALESCE(clients.name, '-') AS client, MIN(h.day) AS first_day, COUNT(t.id) AS tasks
        FROM projects AS p
        LEFT JOIN clients ON clients.id = client_id
        LEFT JOIN (tasks t JOIN hours h ON h.task_id = t.id) ON t.project_id = p.id
        WHERE p.id IN (:ids)
        GROUP BY p.id, title, clients.name
        HAVING COUNT(t.id) < 9`,
    },
  ],
};
