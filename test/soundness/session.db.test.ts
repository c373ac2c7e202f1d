import { expect, it } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { openSession, takeSnapshot } from './session.ts';

it('reads the same of a record, whatever others are asked for with it', async () => {
  const database = await testDatabase();
  const connection = await openSession(database.url);
  try {
    await connection.query('CREATE TABLE people (id INT PRIMARY KEY, word VARCHAR(10) CHARACTER SET latin1)');
    await connection.query('CREATE TABLE words (word VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, n INT)');
    await connection.query("INSERT INTO people VALUES (1, 'b'), (2, 'B'), (3, 'b '), (4, 'ß'), (5, 'ss')");
    await connection.query("INSERT INTO words VALUES ('b', 7), ('ß', 8)");
    const query = `SELECT p.id AS source_id, (SELECT SUM(w.n) FROM words w WHERE w.word = p.word) AS n
      FROM people p WHERE p.id IN (:ids)`;
    const together = await takeSnapshot(connection, { name: 'x', key: { table: 'people', column: 'id' }, query });
    const alone = new Map<string, string>();
    for (const id of [1, 2, 3, 4, 5]) {
      const key = { table: `(SELECT ${id} AS id) one`, column: 'id' };
      for (const [each, rows] of await takeSnapshot(connection, { name: 'x', key, query })) alone.set(each, rows);
    }
    expect(together).toEqual(alone);
  } finally {
    await connection.end();
    await database.drop();
  }
});
