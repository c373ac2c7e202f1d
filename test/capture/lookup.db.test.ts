import { afterAll, beforeAll, expect, it } from 'vitest';
import { applyTriggers } from '../../src/capture/apply.ts';
import { loadWatches } from '../../src/capture/registry.ts';
import { Fold } from '../../src/outbox/fold.ts';
import { type Captured, mappingOf, openCaptured } from './captured.ts';

const RECORDS = 50_000;

const schema = `
  CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), country_id INT, KEY (country_id));
  CREATE TABLE countries (id INT PRIMARY KEY, name VARCHAR(40));
  INSERT INTO countries VALUES (1, 'Germany'), (2, 'France');
  CREATE TABLE digits (d INT);
  INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
  INSERT INTO users
    SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d, 'x@x.de', IF(e.d < 5, 1, 2)
    FROM digits a, digits b, digits c, digits d, digits e WHERE e.d < 6`;

const mapping = mappingOf(
  'SELECT u.id AS source_id, u.email, c.name AS country FROM users u LEFT JOIN countries c ON c.id = u.country_id WHERE u.id IN (:ids)',
);

let captured: Captured;
beforeAll(async () => {
  captured = await openCaptured(schema);
  await applyTriggers(captured.db, mapping);
});
afterAll(() => captured?.close());

async function count(sql: string): Promise<number> {
  const [[row]] = await captured.db.raw(`SELECT COUNT(*) AS row_count FROM ${sql}`);
  return Number(row.row_count);
}

it(`a lookup row that concerns ${RECORDS} records costs one mark, which is followed in bounded portions`, async () => {
  await captured.application.query("UPDATE countries SET name = 'Deutschland' WHERE id = 1");
  expect(await count('hubspot_mark')).toBe(1);
  expect(await count('hubspot_data')).toBe(0);

  const watches = await loadWatches(captured.db);
  const portions: number[] = [];
  for (let more = true; more; ) {
    // Each portion as by a worker that starts: where it goes on stands in the outbox.
    const folded = await new Fold(captured.db).run(watches);
    portions.push(folded.rows);
    more = folded.more;
    expect(await count('hubspot_mark')).toBe(more ? 1 : 0);
  }
  expect(Math.max(...portions)).toBeLessThanOrEqual(5_000);
  expect(portions.reduce((sum, rows) => sum + rows, 0)).toBe(RECORDS);
  expect(await count("hubspot_data WHERE status = 'pending' AND revision = 1")).toBe(RECORDS);
  expect(await count(`hubspot_data WHERE source_id + 0 >= ${RECORDS}`)).toBe(0);
});
