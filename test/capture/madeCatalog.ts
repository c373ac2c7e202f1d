import type { Catalog, CatalogColumn, CatalogTable } from '../../src/capture/catalog.ts';
import type { HandWatch, ObjectMapping } from '../../src/config/mapping.ts';

/** `int`, `varchar(40)`, `varchar(40) latin1`, `int null`: a column as information_schema tells of it. */
function column(name: string, spec: string): CatalogColumn {
  const [, type = '', length, charset] = /^(\w+)(?:\((\d+)\))?(?: (latin1|utf8mb4))?/.exec(spec) ?? [];
  const isText = ['char', 'varchar', 'text'].includes(type);
  return {
    name,
    type,
    length: length === undefined ? null : Number(length),
    charset: isText ? (charset ?? 'utf8mb4') : null,
    collation: isText ? `${charset ?? 'utf8mb4'}_general_ci` : null,
    isNullable: spec.endsWith(' null'),
  };
}

type Made = {
  /** The first is the primary key. */
  columns: Record<string, string>;
  unique?: string[];
  indexed?: string[];
  behind?: string[];
};

function table(name: string, { columns, unique, indexed = [], behind }: Made): CatalogTable {
  const keys = behind === undefined ? (unique ?? Object.keys(columns).slice(0, 1)) : [];
  return {
    name,
    isView: behind !== undefined,
    behind: behind ?? null,
    engine: behind === undefined ? 'InnoDB' : null,
    columns: Object.entries(columns).map(([each, spec]) => column(each, spec)),
    uniqueColumns: keys,
    leadingColumns: [...keys, ...indexed],
  };
}

const users = {
  id: 'int',
  email: 'varchar(190)',
  first_name: 'varchar(40) null',
  country_id: 'int null',
  referred_by: 'int null',
  score: 'float',
  wide: 'varchar(400)',
  about: 'varchar(400)',
  hash: 'binary(16)',
  user_status: 'char(1)',
};
const orders = {
  id: 'int',
  user_id: 'int',
  state: 'varchar(10)',
  total: 'decimal',
  placed_on: 'date',
  placed_at: 'timestamp',
};
const items = { id: 'int', order_id: 'int', product_id: 'int null', price: 'decimal', quantity: 'int' };

const TABLES = [
  table('users', { columns: users, unique: ['id', 'email', 'wide', 'score'], indexed: ['country_id'] }),
  table('details', { columns: { user_id: 'int', phone: 'varchar(30) null', city: 'varchar(30) null' } }),
  table('orders', { columns: orders, indexed: ['user_id'] }),
  table('order_items', { columns: items, indexed: ['order_id'] }),
  table('products', { columns: { id: 'int', title: 'varchar(80)' } }),
  table('countries', { columns: { id: 'int', name: 'varchar(40)' } }),
  table('subscriptions', {
    columns: { id: 'int', email: 'varchar(190) latin1', list: 'varchar(10)' },
    indexed: ['email'],
  }),
  table('rates', { columns: { score: 'float', label: 'varchar(10)' } }),
  table('tags', { columns: { id: 'int', user_id: 'int', tag: 'varchar(20)' }, indexed: ['user_id'] }),
  table('days', { columns: { day: 'date', label: 'varchar(20)', moment: 'timestamp' } }),
  table('devices', { columns: { serial: 'binary(16)', owner_hash: 'binary(16)', model: 'varchar(20)' } }),
  table('Mixed', { columns: { Id: 'int', UserId: 'int', Note: 'varchar(20)' } }),
  table('loud_users', { columns: { id: 'int', email: 'varchar(190)' }, behind: ['users', 'loud_tags'] }),
  table('loud_tags', { columns: { id: 'int' }, behind: ['tags'] }),
];

export const catalog: Catalog = {
  tables: new Map(TABLES.map((each) => [each.name.toLowerCase(), each])),
  functions: new Set(['fee_of']),
};

/** An object of the mapping over this query. */
export function objectOf(query: string, key = 'users.id', watch: readonly HandWatch[] = []): ObjectMapping {
  const [tableName = '', columnName = ''] = key.split('.');
  return {
    name: 'contacts',
    type: 'contacts',
    matchOn: 'email',
    key: { table: tableName, column: columnName },
    query,
    whenGone: 'keep',
    timeZone: 'UTC',
    watch,
  };
}
