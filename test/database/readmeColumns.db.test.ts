import { readFileSync } from 'node:fs';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/database/connect.ts';
import { migrateLatest } from '../../src/database/migrate.ts';
import { connectAsApplication, type TestDatabase, testDatabase } from '../support/database.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

let database: TestDatabase;
let columns: string[];
beforeAll(async () => {
  database = await testDatabase();
  const db = await connect(database.url);
  try {
    await migrateLatest(db);
  } finally {
    await db.destroy();
  }
  const application = await connectAsApplication(database);
  columns = await readColumns(application).finally(() => application.end());
});
afterAll(() => database.drop());

describe('README', () => {
  it('names every column of every table and view of the outbox', () => {
    expect(columns.length).toBeGreaterThan(60);
    expect(undocumented(readme, columns)).toEqual([]);
  });

  it('would be found out, whichever column it did not name', () => {
    const missed = columns.filter((column) => !undocumented(without(readme, column), columns).includes(column));
    expect(missed).toEqual([]);
  });
});

/** As `table.column`. */
async function readColumns(connection: Connection): Promise<string[]> {
  const [rows] = await connection.query(
    `SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS name FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'hubspot\\_%' ORDER BY TABLE_NAME, ORDINAL_POSITION`,
  );
  return (rows as { name: string }[]).map(({ name }) => name);
}

function undocumented(text: string, names: readonly string[]): string[] {
  return names.filter((name) => {
    const [table = '', column = ''] = name.split('.');
    return !linesOf(text, table).some((line) => line.includes(`\`${column}\``));
  });
}

/** What the chapter on tables says of one: its row, or the rows of a table whose title names it. */
function linesOf(text: string, table: string): string[] {
  const lines = chapter(text).split('\n');
  const title = lines.findIndex((line) => line.startsWith(`| column of \`${table}\` |`));
  if (title < 0) return lines.filter((line) => line.startsWith(`| \`${table}\` |`));
  const length = lines.slice(title).findIndex((line) => !line.startsWith('|'));
  return lines.slice(title + 2, length < 0 ? undefined : title + length);
}

function chapter(text: string): string {
  const [, after = ''] = text.split('\n### The tables\n');
  return after.split('\n### ')[0] ?? '';
}

/** The text with a column's name taken out wherever it stands for this table. */
function without(text: string, name: string): string {
  const [table = '', column = ''] = name.split('.');
  return linesOf(text, table).reduce(
    (changed, line) => changed.replace(line, () => line.replaceAll(`\`${column}\``, '')),
    text,
  );
}
