import type { Db } from '../database/connect.ts';
import type { KeyKind } from '../keys.ts';
import { NotDerivable, queryTables } from './parse.ts';

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
  /** Of a view, the tables and views it reads; null where its definition cannot be read, and for a table. */
  behind: string[] | null;
  engine: string | null;
  columns: CatalogColumn[];
  /** Columns that are a unique index each on their own. */
  uniqueColumns: string[];
  /** Columns that an index begins with, so that rows are found by their values. */
  leadingColumns: string[];
};

export type Catalog = {
  /** By name in lower case. */
  tables: ReadonlyMap<string, CatalogTable>;
  /** Stored functions of the database, in lower case. */
  functions: ReadonlySet<string>;
};

/**
 * What information_schema says of these tables of the application's database, and of the tables behind its views.
 * Tables that are not there are left out.
 */
export async function readCatalog(db: Db, names: readonly string[]): Promise<Catalog> {
  const [functions] = await db.raw(
    "SELECT LOWER(ROUTINE_NAME) AS name FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_TYPE = 'FUNCTION'",
  );
  const tables = new Map<string, CatalogTable>();
  const asked = new Set<string>();
  for (let wanted = lowered(names); wanted.length > 0; ) {
    const found = await readTables(db, wanted);
    for (const name of wanted) asked.add(name);
    for (const table of found) tables.set(table.name.toLowerCase(), table);
    wanted = lowered(found.flatMap(({ behind }) => behind ?? [])).filter((name) => !asked.has(name));
  }
  return { tables, functions: new Set((functions as Row[]).map(({ name }) => String(name))) };
}

function lowered(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

async function readTables(db: Db, names: readonly string[]): Promise<CatalogTable[]> {
  const here = `TABLE_SCHEMA = DATABASE() AND LOWER(TABLE_NAME) IN (${names.map(() => '?').join(', ')})`;
  const read = async (sql: string) => ((await db.raw(sql, names)) as [Row[]])[0];
  const tables = await read(
    `SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine FROM information_schema.TABLES WHERE ${here}`,
  );
  const columns = await read(
    `SELECT TABLE_NAME AS table_name, COLUMN_NAME AS name, DATA_TYPE AS type, COALESCE(CHARACTER_MAXIMUM_LENGTH, NULL) AS length,
            CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation, IS_NULLABLE AS nullable
     FROM information_schema.COLUMNS WHERE ${here} ORDER BY TABLE_NAME, ORDINAL_POSITION`,
  );
  const indexes = await read(
    `SELECT TABLE_NAME AS table_name, MIN(IF(SEQ_IN_INDEX = 1, COLUMN_NAME, NULL)) AS column_name, COUNT(*) AS parts,
            MAX(SUB_PART) AS prefix, MIN(NON_UNIQUE) AS repeats
     FROM information_schema.STATISTICS WHERE ${here} AND INDEX_TYPE NOT IN ('FULLTEXT', 'SPATIAL')
     GROUP BY TABLE_NAME, INDEX_NAME`,
  );
  const views = await read(
    `SELECT TABLE_NAME AS name, VIEW_DEFINITION AS definition FROM information_schema.VIEWS WHERE ${here}`,
  );
  return tables.map((table) => toTable(table, columns, indexes, views));
}

type Row = Record<string, string | null>;

function toTable(table: Row, columns: Row[], indexes: Row[], views: Row[]): CatalogTable {
  const name = String(table.name);
  const ofTable = indexes.filter((index) => index.table_name === name);
  const isUnique = ({ repeats, parts, prefix }: Row) => Number(repeats) === 0 && Number(parts) === 1 && prefix === null;
  return {
    name,
    isView: table.type !== 'BASE TABLE',
    behind: behindView(views.find((view) => view.name === name)),
    engine: table.engine ?? null,
    columns: columns.filter((column) => column.table_name === name).map(toColumn),
    uniqueColumns: ofTable.filter(isUnique).map((index) => String(index.column_name)),
    leadingColumns: [...new Set(ofTable.map((index) => String(index.column_name)))],
  };
}

/** The server shows no definition to an account that may not see it. */
function behindView(view: Row | undefined): string[] | null {
  try {
    return view?.definition ? queryTables(view.definition) : null;
  } catch (error) {
    if (error instanceof NotDerivable) return null;
    throw error;
  }
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
