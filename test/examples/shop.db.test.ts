import { afterAll, beforeAll, expect, it } from 'vitest';
import { badUsers } from '../../examples/shop/badUsers.ts';
import { readMapping } from '../../src/config/readMapping.ts';
import { connect, type Db } from '../../src/database/connect.ts';
import { migrateLatest } from '../../src/database/migrate.ts';
import type { Definition } from '../../src/hubspot/definition.ts';
import { load } from '../../src/source/load.ts';
import { rowConverter } from '../../src/source/record.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { compare, createShop, shopMapping, shopProperties } from '../support/shop.ts';

const users = 2000;
const whole: Omit<Definition, 'name' | 'type'> = {
  label: '',
  fieldType: '',
  options: [],
  hasExternalOptions: false,
  isReadOnly: false,
  isUnique: false,
  isArchived: false,
};
let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await testDatabase();
  db = await connect(database.url);
  await createShop(database, { users });
  await migrateLatest(db);
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

it('has just the bad users it says it has, each refused for the reason it says', async () => {
  const { refused } = await convertAll('contacts');
  const local = badUsers.filter(({ code }) => code === 'INVALID_VALUE' || code === 'MISSING_MATCH');
  expect(refused).toEqual(local.map(({ id, code }) => [String(id), code]));
});

it('gives bad users the e-mail addresses of others, and nobody else', async () => {
  const [rows] = await db.raw('SELECT MAX(id) AS id FROM users GROUP BY LOWER(email) HAVING COUNT(*) > 1');
  const twice = badUsers.filter(({ code }) => code === 'DUPLICATE_MATCH');
  expect(rows.map(({ id }: { id: number | string }) => Number(id)).sort()).toEqual(twice.map(({ id }) => id));
});

it.each(['contacts', 'orders'])('is converted as the oracle expects (%s)', async (name) => {
  const { object, records } = await convertAll(name);
  const bad = new Set(name === 'contacts' ? badUsers.map(({ id }) => String(id)) : []);
  const good = records.filter(({ id }) => !bad.has(id));
  const { differences, returned } = await compare(database, object, good);
  expect(differences.filter((line) => !bad.has(/ (\d+)/.exec(line)?.[1] ?? ''))).toEqual([]);
  expect(returned).toBeGreaterThan(users / 2);
});

async function convertAll(name: string) {
  const object = readMapping(shopMapping).objects.find((candidate) => candidate.name === name);
  if (!object) throw new Error(`expected the shop's mapping to have ${name}`);
  const properties = [...((await shopProperties())[object.type] ?? []), { name: 'closedate', type: 'datetime' }];
  const definitions = new Map(properties.map((each) => [each.name, { ...whole, ...each }]));
  const [ids] = await db.raw('SELECT ?? AS id FROM ?? ORDER BY 1', [object.key.column, object.key.table]);
  const all = (ids as { id: number }[]).map(({ id }) => String(id));
  const { columns, rows } = await load(db, object, 'integer', all);
  const refused: [string, string][] = [];
  const records = all.flatMap((id) => {
    const row = rows.get(id);
    if (!row) return [];
    const converted = rowConverter(columns, definitions, object)(row);
    if ('code' in converted) refused.push([id, converted.code]);
    return 'code' in converted ? [] : [{ id, properties: converted.properties }];
  });
  return { object, refused, records };
}
