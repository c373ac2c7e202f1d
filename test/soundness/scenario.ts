/** Tables of a made-up application, the values its statements use, and the queries that read them. */
export type Scenario = {
  name: string;
  schema: string[];
  tables: Table[];
  /** FROM clauses for statements over several tables. */
  joins: Join[];
  objects: Query[];
};

export type Table = { name: string; key: string[]; columns: Column[] };

export type Column = {
  name: string;
  kind: 'number' | 'text' | 'other';
  /** SQL literals; few, so that rows meet. */
  values: readonly string[];
  /** In no query of the scenario: changing it must leave no mark. */
  unwatched?: boolean;
};

export type Join = { from: string; aliases: Record<string, string> };

export type Query = { name: string; key: { table: string; column: string }; query: string };

/** A column of whole numbers from `low` to `high`, as literals. */
export function numbers(name: string, low: number, high: number, extra: readonly string[] = []): Column {
  const values = Array.from({ length: high - low + 1 }, (_, n) => String(low + n));
  return { name, kind: 'number', values: [...values, ...extra] };
}

/** A column of text; the values are quoted here. */
export function texts(name: string, values: readonly string[], extra: readonly string[] = []): Column {
  return { name, kind: 'text', values: [...values.map((value) => `'${value.replaceAll("'", "''")}'`), ...extra] };
}

/** The same column, promised to be in no query. */
export function unwatched(column: Column): Column {
  return { ...column, unwatched: true };
}
