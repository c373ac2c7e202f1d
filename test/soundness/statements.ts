import type { Random } from '../../examples/shop/random.ts';
import type { Column, Scenario, Table } from './scenario.ts';

/** One statement of the application; `file` is what LOAD DATA reads. */
export type Statement = { sql: string; file?: string };

type Maker = (scenario: Scenario, random: Random) => Statement;

const makers: readonly (readonly [weight: number, maker: Maker])[] = [
  [16, insert],
  [22, updateOne],
  [12, updateSome],
  [8, deleteSome],
  [8, replace],
  [10, insertOrUpdate],
  [6, insertSelect],
  [9, updateJoined],
  [4, deleteJoined],
];

/** A statement such as an application of any age might run. It may fail; that is part of the game. */
export function randomStatement(scenario: Scenario, random: Random, canLoad: boolean): Statement {
  if (canLoad && random.chance(0.04)) return loadData(scenario, random);
  const total = makers.reduce((sum, [weight]) => sum + weight, 0);
  let left = random.integer(1, total);
  for (const [weight, maker] of makers) {
    left -= weight;
    if (left <= 0) return maker(scenario, random);
  }
  return updateOne(scenario, random);
}

/** A statement that changes no column any query reads, though it may well touch rows. */
export function quietStatement(scenario: Scenario, random: Random): Statement {
  const table = random.pick(scenario.tables);
  const quiet = table.columns.filter((column) => column.unwatched);
  const sets = random.chance(0.5) && quiet.length > 0 ? quiet.map((column) => literalSet(column, random)) : [];
  const same = random.pick(table.columns);
  if (sets.length === 0) sets.push(`${same.name} = ${same.name}`);
  if (random.chance(0.2)) return upsertOfItself(table, random);
  return { sql: `UPDATE ${table.name} SET ${sets.join(', ')}${where(table, random)}` };
}

/** An INSERT of one row, for tables that have run empty. */
export function insertInto(table: Table, random: Random): Statement {
  return { sql: `INSERT IGNORE INTO ${table.name} (${names(table.columns)}) VALUES ${row(table.columns, random)}` };
}

function insert(scenario: Scenario, random: Random): Statement {
  const table = random.pick(scenario.tables);
  const columns = someColumns(table, random);
  return { sql: `INSERT${ignore(random)} INTO ${table.name} (${names(columns)}) VALUES ${rows(columns, random)}` };
}

function replace(scenario: Scenario, random: Random): Statement {
  const table = random.pick(scenario.tables);
  const columns = someColumns(table, random);
  if (random.chance(0.8))
    return { sql: `REPLACE INTO ${table.name} (${names(columns)}) VALUES ${rows(columns, random)}` };
  return { sql: `REPLACE INTO ${table.name} (${names(table.columns)}) ${selectFrom(table, random)}` };
}

function insertOrUpdate(scenario: Scenario, random: Random): Statement {
  const table = random.pick(scenario.tables);
  const columns = someColumns(table, random);
  const sets = table.columns
    .filter(() => random.chance(0.4))
    .map((column) => (random.chance(0.4) ? `${column.name} = VALUES(${column.name})` : set(table, column, random)));
  if (sets.length === 0) sets.push(set(table, random.pick(table.columns), random));
  const values = `(${names(columns)}) VALUES ${rows(columns, random)}`;
  return { sql: `INSERT${ignore(random)} INTO ${table.name} ${values} ON DUPLICATE KEY UPDATE ${sets.join(', ')}` };
}

function insertSelect(scenario: Scenario, random: Random): Statement {
  const table = random.pick(scenario.tables);
  return { sql: `INSERT IGNORE INTO ${table.name} (${names(table.columns)}) ${selectFrom(table, random)}` };
}

function updateOne(scenario: Scenario, random: Random): Statement {
  const table = random.pick(scenario.tables);
  const key = table.columns.filter((column) => table.key.includes(column.name));
  const place = key.map((column) => `${column.name} = ${random.pick(column.values)}`).join(' AND ');
  return { sql: `UPDATE${ignore(random)} ${table.name} SET ${sets(table, random)} WHERE ${place}` };
}

function updateSome(scenario: Scenario, random: Random): Statement {
  const table = random.pick(scenario.tables);
  const limit = random.chance(0.2) ? ` ORDER BY ${table.key[0]} DESC LIMIT ${random.integer(1, 4)}` : '';
  return { sql: `UPDATE${ignore(random)} ${table.name} SET ${sets(table, random)}${where(table, random)}${limit}` };
}

function deleteSome(scenario: Scenario, random: Random): Statement {
  const table = random.pick(scenario.tables);
  const limit = random.chance(0.4) ? ` ORDER BY ${table.key[0]} LIMIT ${random.integer(1, 3)}` : '';
  return { sql: `DELETE FROM ${table.name}${where(table, random)}${limit}` };
}

function updateJoined(scenario: Scenario, random: Random): Statement {
  const { from, aliases } = random.pick(scenario.joins);
  const changed = Object.keys(aliases).filter(() => random.chance(0.6));
  if (changed.length === 0) changed.push(random.pick(Object.keys(aliases)));
  const all = changed.map((alias) => {
    const table = tableOf(scenario, aliases[alias]);
    return set(table, random.pick(table.columns), random, `${alias}.`);
  });
  const alias = random.pick(Object.keys(aliases));
  const place = where(tableOf(scenario, aliases[alias]), random, `${alias}.`);
  return { sql: `UPDATE${ignore(random)} ${from} SET ${all.join(', ')}${place}` };
}

function deleteJoined(scenario: Scenario, random: Random): Statement {
  const { from, aliases } = random.pick(scenario.joins);
  const gone = Object.keys(aliases).filter(() => random.chance(0.5));
  if (gone.length === 0) gone.push(random.pick(Object.keys(aliases)));
  const alias = random.pick(Object.keys(aliases));
  return {
    sql: `DELETE ${gone.join(', ')} FROM ${from}${where(tableOf(scenario, aliases[alias]), random, `${alias}.`)}`,
  };
}

function loadData(scenario: Scenario, random: Random): Statement {
  const table = random.pick(scenario.tables);
  const columns = table.columns.filter((column) =>
    column.values.every((value) => /^('[^'\\]*'|-?\d+|NULL)$/.test(value)),
  );
  if (!table.key.every((key) => columns.some(({ name }) => name === key))) return updateOne(scenario, random);
  const lines = Array.from({ length: random.integer(1, 4) }, () =>
    columns.map((column) => plain(random.pick(column.values))).join('\t'),
  );
  const mode = random.pick(['REPLACE', 'IGNORE']);
  const sql = `LOAD DATA LOCAL INFILE 'rows' ${mode} INTO TABLE ${table.name} CHARACTER SET utf8mb4 (${names(columns)})`;
  return { sql, file: `${lines.join('\n')}\n` };
}

function upsertOfItself(table: Table, random: Random): Statement {
  const same = random.pick(table.columns).name;
  const source = `SELECT ${names(table.columns)} FROM ${table.name}${where(table, random)}`;
  const target = `INSERT INTO ${table.name} (${names(table.columns)})`;
  return { sql: `${target} ${source} ON DUPLICATE KEY UPDATE ${same} = VALUES(${same})` };
}

function selectFrom(table: Table, random: Random): string {
  const values = table.columns.map((column) => {
    if (column.kind === 'number' && random.chance(0.3)) return `${column.name} + ${random.integer(1, 3)}`;
    return random.chance(0.3) ? random.pick(column.values) : column.name;
  });
  return `SELECT ${values.join(', ')} FROM ${table.name}${where(table, random)}`;
}

function sets(table: Table, random: Random): string {
  const count = random.pick([1, 1, 1, 2, 3]);
  return Array.from({ length: count }, () => set(table, random.pick(table.columns), random)).join(', ');
}

function set(table: Table, column: Column, random: Random, prefix = ''): string {
  const target = `${prefix}${column.name}`;
  const chance = random.next();
  if (chance < 0.75) return `${target} = ${random.pick(column.values)}`;
  const other = random.pick(table.columns.filter(({ kind }) => kind === column.kind)).name;
  if (chance < 0.83) return `${target} = ${prefix}${other}`;
  if (column.kind === 'number') return `${target} = ${target} + ${random.integer(1, 4)}`;
  if (column.kind === 'text') return `${target} = ${random.pick(['UPPER', 'LOWER', 'TRIM'])}(${target})`;
  return `${target} = ${target}`;
}

function literalSet(column: Column, random: Random): string {
  return `${column.name} = ${random.pick(column.values)}`;
}

function where(table: Table, random: Random, prefix = ''): string {
  if (random.chance(0.07)) return '';
  const one = condition(random.pick(table.columns), random, prefix);
  return random.chance(0.7)
    ? ` WHERE ${one}`
    : ` WHERE ${one} AND ${condition(random.pick(table.columns), random, prefix)}`;
}

function condition(column: Column, random: Random, prefix: string): string {
  const name = `${prefix}${column.name}`;
  const value = () => random.pick(column.values.filter((literal) => literal !== 'NULL'));
  switch (random.integer(0, 4)) {
    case 0:
      return `${name} IS NULL`;
    case 1:
      return `${name} IN (${value()}, ${value()}, ${value()})`;
    case 2:
      return `${name} < ${value()}`;
    default:
      return `${name} = ${value()}`;
  }
}

function someColumns(table: Table, random: Random): Column[] {
  return table.columns.filter(({ name }) => table.key.includes(name) || random.chance(0.85));
}

function rows(columns: Column[], random: Random): string {
  const count = random.pick([1, 1, 1, 2, 3, 5]);
  return Array.from({ length: count }, () => row(columns, random)).join(', ');
}

function row(columns: Column[], random: Random): string {
  return `(${columns.map((column) => random.pick(column.values)).join(', ')})`;
}

function names(columns: Column[]): string {
  return columns.map(({ name }) => name).join(', ');
}

function ignore(random: Random): string {
  return random.chance(0.3) ? ' IGNORE' : '';
}

function plain(literal: string): string {
  return literal === 'NULL' ? '\\N' : literal.replace(/^'(.*)'$/, '$1');
}

function tableOf(scenario: Scenario, name: string | undefined): Table {
  const table = scenario.tables.find((candidate) => candidate.name === name);
  if (!table) throw new Error(`expected a table of scenario ${scenario.name}, got ${name}`);
  return table;
}
