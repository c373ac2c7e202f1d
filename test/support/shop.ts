import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Connection, createConnection } from 'mysql2/promise';
import { createShopTables, seedShop } from '../../examples/shop/seed.ts';
import { expected, type PropertyDefinition, same } from './expectation.ts';

/** What `compare` needs to know about an object of the mapping. */
export type ComparedObject = {
  name: string;
  type: string;
  matchOn: string;
  key: { table: string; column: string };
  query: string;
  whenGone: 'keep' | 'archive';
  timeZone: string;
};

export type SandboxRecord = { id: string; properties: Record<string, string | null>; archived?: boolean };

export type Comparison = {
  equal: boolean;
  /** One line a difference, for people. */
  differences: string[];
  /** Source ids that are poison, and so are left out of the comparison. */
  poison: string[];
  /** How many records the SELECT returns now. */
  returned: number;
};

type Book = { sourceId: string; status: string; hubspotId: string | null };
type Returned = { sourceId: string; values: Record<string, { value: string | null; type: number; flags: number }> };

/** The one standard property of the shop's mapping that is a number. */
const amount: PropertyDefinition = { name: 'amount', type: 'number' };

export const shopMapping = fileURLToPath(new URL('../../examples/shop/hubspot-outbox.yaml', import.meta.url));

/** The custom properties the shop's mapping uses, by object type. */
export async function shopProperties(): Promise<Record<string, PropertyDefinition[]>> {
  const file = new URL('../../examples/shop/properties.json', import.meta.url);
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, PropertyDefinition[]>;
}

/** Fills an empty database with the legacy shop. */
export async function createShop(
  database: { url: string },
  options: { users?: number; seed?: number } = {},
): Promise<void> {
  await withConnection(database.url, async (connection) => {
    await createShopTables(connection);
    await seedShop(connection, options);
  });
}

/**
 * Compares every record in HubSpot with what the SELECT returns now, poison left aside.
 * Shares no code with the product: it has conversions of its own. Records are found by their `match_on` value.
 */
export async function compare(
  database: { url: string },
  object: ComparedObject,
  records: Iterable<SandboxRecord>,
): Promise<Comparison> {
  const definitions = new Map(
    [amount, ...((await shopProperties())[object.type] ?? [])].map((each) => [each.name, each]),
  );
  return withConnection(database.url, async (connection) => {
    const books = await readBooks(connection, object.name);
    const returned = await readAll(connection, object);
    const poison = [...books.values()].filter(({ status }) => status === 'poison').map(({ sourceId }) => sourceId);
    const present = [...records].filter(({ archived }) => !archived);
    const differences = [
      ...differing(object, definitions, returned, present, new Set(poison)),
      ...unexpected(object, returned, present, [...books.values()]),
    ];
    return { equal: differences.length === 0, differences, poison, returned: returned.length };
  });
}

function differing(
  object: ComparedObject,
  definitions: Map<string, PropertyDefinition>,
  returned: Returned[],
  records: SandboxRecord[],
  poison: Set<string>,
): string[] {
  const byMatch = Map.groupBy(records, ({ properties }) => matchValue(object, properties[object.matchOn]));
  return returned.flatMap(({ sourceId, values }) => {
    if (poison.has(sourceId)) return [];
    const found = byMatch.get(matchValue(object, values[object.matchOn]?.value)) ?? [];
    const [record] = found;
    if (!record || found.length > 1)
      return [`${object.name} ${sourceId}: ${found.length} records in HubSpot, expected one`];
    return Object.entries(values).flatMap(([name, column]) => {
      const want = expected(column, definitions.get(name), object.timeZone);
      const got = record.properties[name] ?? '';
      if (same(want, got, definitions.get(name)?.type, name === 'email')) return [];
      return [
        `${object.name} ${sourceId}.${name}: HubSpot has ${JSON.stringify(got)}, the SELECT says ${JSON.stringify(want)}`,
      ];
    });
  });
}

/** Records in HubSpot that no returned row accounts for, nor one that is poison or was returned once and is kept. */
function unexpected(object: ComparedObject, returned: Returned[], records: SandboxRecord[], books: Book[]): string[] {
  const matches = new Set(returned.map(({ values }) => matchValue(object, values[object.matchOn]?.value)));
  const kept = new Set(
    books
      .filter(({ status }) => status === 'poison' || (status === 'gone' && object.whenGone === 'keep'))
      .map(({ hubspotId }) => hubspotId),
  );
  return records
    .filter(({ id, properties }) => !matches.has(matchValue(object, properties[object.matchOn])) && !kept.has(id))
    .map(({ id, properties }) => `${object.name}: HubSpot's record ${id} (${properties[object.matchOn]}) has no row`);
}

function matchValue(object: ComparedObject, value: string | null | undefined): string {
  return object.matchOn === 'email' ? (value ?? '').toLowerCase() : (value ?? '');
}

async function readBooks(connection: Connection, object: string): Promise<Map<string, Book>> {
  const sql = 'SELECT source_id AS sourceId, status, hubspot_id AS hubspotId FROM hubspot_data WHERE object = ?';
  const [rows] = await connection.query(sql, [object]);
  return new Map((rows as Book[]).map((book) => [book.sourceId, book]));
}

async function readAll(connection: Connection, { key, query }: ComparedObject): Promise<Returned[]> {
  const [ids] = await connection.query('SELECT ?? AS id FROM ??', [key.column, key.table]);
  const all = (ids as { id: unknown }[]).map(({ id }) => connection.escape(id));
  const returned: Returned[] = [];
  for (let first = 0; first < all.length; first += 500) {
    const list = all.slice(first, first + 500).join(', ');
    const [rows, fields] = await connection.query({ sql: query.replaceAll(':ids', list), rowsAsArray: true });
    for (const row of rows as (string | null)[][]) {
      const columns = fields.map(({ name, columnType, flags }, n) => {
        return [name, { value: row[n] ?? null, type: columnType ?? 0, flags: Number(flags) }] as const;
      });
      const { source_id: sourceId, ...values } = Object.fromEntries(columns);
      returned.push({ sourceId: sourceId?.value ?? '', values });
    }
  }
  return returned;
}

async function withConnection<T>(url: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await createConnection({ uri: url, charset: 'utf8mb4', typeCast: (field) => field.string() });
  try {
    await connection.query("SET SESSION time_zone = '+00:00'");
    return await use(connection);
  } finally {
    await connection.end();
  }
}
