import type { Db } from '../database/connect.ts';
import type { KeyKind } from '../keys.ts';

export type CatalogColumn = {
  name: string;
  /** `int`, `varchar`, … */
  type: string;
  /** Characters of a text, bytes of a binary. */
  length: number | null;
  charset: string | null;
  collation: string | null;
  isNullable: boolean;
};

export type CatalogTable = {
  name: string;
  isView: boolean;
  engine: string | null;
  columns: CatalogColumn[];
  /** Columns that are a unique index each on their own. */
  uniqueColumns: string[];
};

export type Catalog = {
  /** By name in lower case. */
  tables: ReadonlyMap<string, CatalogTable>;
  /** Stored functions of the database, in lower case. */
  functions: ReadonlySet<string>;
};

/** What information_schema says of these tables of the application's database. Tables that are not there are left out. */
export async function readCatalog(db: Db, names: readonly string[]): Promise<Catalog> {
  const wanted = [...new Set(names.map((name) => name.toLowerCase()))];
  const list = wanted.length === 0 ? "''" : wanted.map(() => '?').join(', ');
  const here = `TABLE_SCHEMA = DATABASE() AND LOWER(TABLE_NAME) IN (${list})`;
  const [tables] = await db.raw(
    `SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine FROM information_schema.TABLES WHERE ${here}`,
    wanted,
  );
  const [columns] = await db.raw(
    `SELECT TABLE_NAME AS table_name, COLUMN_NAME AS name, DATA_TYPE AS type, COALESCE(CHARACTER_MAXIMUM_LENGTH, NULL) AS length,
            CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation, IS_NULLABLE AS nullable
     FROM information_schema.COLUMNS WHERE ${here} ORDER BY TABLE_NAME, ORDINAL_POSITION`,
    wanted,
  );
  const [indexes] = await db.raw(
    `SELECT TABLE_NAME AS table_name, INDEX_NAME AS index_name, MIN(COLUMN_NAME) AS column_name, COUNT(*) AS parts, MAX(SUB_PART) AS prefix
     FROM information_schema.STATISTICS WHERE ${here} AND NON_UNIQUE = 0 GROUP BY TABLE_NAME, INDEX_NAME`,
    wanted,
  );
  const [functions] = await db.raw(
    "SELECT LOWER(ROUTINE_NAME) AS name FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_TYPE = 'FUNCTION'",
  );
  return {
    tables: new Map(
      (tables as Row[]).map((table) => [String(table.name).toLowerCase(), toTable(table, columns, indexes)]),
    ),
    functions: new Set((functions as Row[]).map(({ name }) => String(name))),
  };
}

type Row = Record<string, string | null>;

function toTable(table: Row, columns: Row[], indexes: Row[]): CatalogTable {
  const name = String(table.name);
  return {
    name,
    isView: table.type !== 'BASE TABLE',
    engine: table.engine ?? null,
    columns: columns.filter((column) => column.table_name === name).map(toColumn),
    uniqueColumns: indexes
      .filter((index) => index.table_name === name && Number(index.parts) === 1 && index.prefix === null)
      .map((index) => String(index.column_name)),
  };
}

function toColumn(column: Row): CatalogColumn {
  return {
    name: String(column.name),
    type: String(column.type).toLowerCase(),
    length: column.length == null ? null : Number(column.length),
    charset: column.charset ?? null,
    collation: column.collation ?? null,
    isNullable: column.nullable === 'YES',
  };
}

const INTEGERS = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year'];

/** How values of a column are noted; null when they cannot be: too long, or not exact as text. */
export function keyKindOf({ type, length, charset }: CatalogColumn, maxCharacters: number): KeyKind | null {
  if (INTEGERS.includes(type)) return 'integer';
  if (type === 'char' || type === 'varchar') {
    if (charset === 'binary') return (length ?? 0) * 2 <= maxCharacters ? 'binary' : null;
    return (length ?? 0) <= maxCharacters ? 'text' : null;
  }
  if (type === 'binary' || type === 'varbinary') return (length ?? 0) * 2 <= maxCharacters ? 'binary' : null;
  return null;
}

/** What a mark and a row of the outbox hold of a key. */
export const NOTE_CHARACTERS = 255;
export const KEY_CHARACTERS = 191;

export function findTable({ tables }: Catalog, name: string): CatalogTable | undefined {
  return tables.get(name.toLowerCase());
}

export function findColumn(table: CatalogTable, name: string): CatalogColumn | undefined {
  const lower = name.toLowerCase();
  return table.columns.find((column) => column.name.toLowerCase() === lower);
}
