import type { Random } from '../../../examples/shop/random.ts';
import { numbers, type Query, type Scenario, type Table, texts, unwatched } from '../scenario.ts';

/** A table of the query: its alias, and the aliases it may refer to. */
type Source = { alias: string; table: string };
type Names = { next: () => string };

const collations = ['utf8mb4 COLLATE utf8mb4_unicode_ci', 'latin1', 'utf8', 'utf8mb4 COLLATE utf8mb4_bin'];
const tableNames = ['t1', 't2', 't3', 't4'];
const words = ['ab', 'AB', 'ab ', 'äb', 'b', 'B', 'ß', 'ss', ''];

/** Four tables that refer to each other every which way, and as many queries made up at random. */
export function anyScenario(random: Random, queries: number): Scenario {
  return {
    name: 'any',
    schema: tableNames.map(
      (name, n) =>
        `CREATE TABLE ${name} (id INT PRIMARY KEY, ref INT, other INT, word VARCHAR(10) CHARACTER SET ${collations[n]}, n INT, unread INT,
          KEY (ref), KEY (other), KEY (word))`,
    ),
    tables: tableNames.map(table),
    joins: [
      { from: 't1 a JOIN t2 b ON b.ref = a.id', aliases: { a: 't1', b: 't2' } },
      { from: 't3 a LEFT JOIN t4 b ON b.word = a.word', aliases: { a: 't3', b: 't4' } },
      { from: 't2 a JOIN t3 b ON b.id = a.other JOIN t2 c ON c.ref = b.id', aliases: { a: 't2', b: 't3', c: 't2' } },
    ],
    objects: Array.from({ length: queries }, (_, n) => query(`q${n + 1}`, random)),
  };
}

function table(name: string): Table {
  const refs = ['ref', 'other'].map((column) => numbers(column, 1, 7, ['NULL']));
  const columns = [numbers('id', 1, 6), ...refs, texts('word', words, ['NULL']), numbers('n', 0, 2, ['NULL'])];
  return { name, key: ['id'], columns: [...columns, unwatched(numbers('unread', 1, 9))] };
}

function query(name: string, random: Random): Query {
  let count = 0;
  const names: Names = { next: () => `x${count++}` };
  const root: Source = { alias: names.next(), table: random.pick(tableNames) };
  const { from, sources } = joined(root, random.pick([0, 1, 1, 2, 3]), names, random);
  const columns = Array.from(
    { length: random.integer(1, 4) },
    (_, n) => `${value(sources, names, random, 2)} AS c${n}`,
  );
  const filters = Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, () => predicate(sources, names, random, 2));
  const grouped = random.chance(0.25);
  if (grouped) columns.push(`COUNT(${column(sources, random, ['id', 'n'])}) AS amount`);
  const where = [`${root.alias}.id IN (:ids)`, ...filters].join(' AND ');
  const group = grouped ? ` GROUP BY ${root.alias}.id` : '';
  const list = grouped ? columns.slice(-1) : columns;
  const sql = `SELECT ${[`${root.alias}.id AS source_id`, ...list].join(', ')} FROM ${from} WHERE ${where}${group}`;
  return { name, key: { table: root.table, column: 'id' }, query: sql };
}

/** A FROM clause that starts with `first` and joins `count` more tables, each to one before it. */
function joined(first: Source, count: number, names: Names, random: Random): { from: string; sources: Source[] } {
  const sources = [first];
  let from = `${first.table} ${first.alias}`;
  for (let n = 0; n < count; n++) {
    const source: Source = { alias: names.next(), table: random.pick(tableNames) };
    const extra = random.chance(0.3) ? ` AND ${comparison([source], random)}` : '';
    const kind = random.pick(['LEFT JOIN', 'JOIN', 'INNER JOIN', 'LEFT OUTER JOIN']);
    from += ` ${kind} ${source.table} ${source.alias} ON ${meeting(source, sources, random)}${extra}`;
    sources.push(source);
  }
  return { from, sources };
}

/** An equality between the new table and one that is there already. */
function meeting(source: Source, others: Source[], random: Random): string {
  const partner = random.pick(others).alias;
  if (random.chance(0.25)) return `${source.alias}.word = ${partner}.word`;
  const sides = [
    `${source.alias}.${random.pick(['id', 'ref', 'other'])}`,
    `${partner}.${random.pick(['id', 'ref', 'other'])}`,
  ];
  return (random.chance(0.5) ? sides : sides.toReversed()).join(' = ');
}

function value(sources: Source[], names: Names, random: Random, depth: number): string {
  const chance = random.next();
  if (depth > 0 && chance < 0.3)
    return subquery(sources, names, random, depth - 1, random.pick(['COUNT(*)', 'SUM', 'MAX', 'MIN']));
  if (depth > 0 && chance < 0.36) return membership(sources, names, random, depth - 1);
  if (chance < 0.4) return `COALESCE(${column(sources, random)}, 'none')`;
  if (chance < 0.5)
    return `CASE WHEN ${predicate(sources, names, random, depth - 1)} THEN 1 ELSE ${column(sources, random)} END`;
  return column(sources, random);
}

function predicate(sources: Source[], names: Names, random: Random, depth: number): string {
  const chance = random.next();
  if (depth > 0 && chance < 0.25) {
    return `${random.pick(['EXISTS ', 'NOT EXISTS '])}${subquery(sources, names, random, depth - 1, '1')}`;
  }
  if (depth > 0 && chance < 0.4) return membership(sources, names, random, depth - 1);
  if (chance < 0.55) return `(${comparison(sources, random)} OR ${predicate(sources, names, random, depth - 1)})`;
  return comparison(sources, random);
}

/** IN or NOT IN, correlated or not: a NULL among the values changes the answer for everybody. */
function membership(sources: Source[], names: Names, random: Random, depth: number): string {
  const refs = ['id', 'ref', 'other'];
  const operator = `${column(sources, random, refs)} ${random.pick(['IN', 'NOT IN'])}`;
  const name = random.pick(refs);
  if (random.chance(0.5)) return `${operator} ${subquery(sources, names, random, depth, name)}`;
  const alone: Source = { alias: names.next(), table: random.pick(tableNames) };
  const where = random.chance(0.5) ? ` WHERE ${comparison([alone], random)}` : '';
  return `${operator} (SELECT ${alone.alias}.${name} FROM ${alone.table} ${alone.alias}${where})`;
}

/** A correlated subquery; `result` is an aggregate's name, a column of its first table, or text as it stands. */
function subquery(outer: Source[], names: Names, random: Random, depth: number, result: string): string {
  const first: Source = { alias: names.next(), table: random.pick(tableNames) };
  const { from, sources } = joined(first, random.pick([0, 0, 1]), names, random);
  const filters = random.chance(0.5) ? [predicate(sources, names, random, depth)] : [];
  const where = [meeting(first, outer, random), ...filters].join(' AND ');
  return `(SELECT ${resultOf(result, sources, first, random)} FROM ${from} WHERE ${where})`;
}

function resultOf(result: string, sources: Source[], first: Source, random: Random): string {
  if (/^[A-Z]+$/.test(result)) return `${result}(${column(sources, random, ['n', 'id', 'ref'])})`;
  return /^[a-z]+$/.test(result) ? `${first.alias}.${result}` : result;
}

function comparison(sources: Source[], random: Random): string {
  const number = column(sources, random, ['n', 'ref', 'other', 'id']);
  const text = column(sources, random, ['word']);
  return random.pick([
    `${number} > ${random.integer(0, 5)}`,
    `${number} <> ${random.integer(1, 3)}`,
    `${number} IS NULL`,
    `${number} IN (1, 2, 3)`,
    `${text} = '${random.pick(['ab', 'b'])}'`,
    `${text} LIKE 'a%'`,
    `${text} IS NOT NULL`,
  ]);
}

function column(sources: Source[], random: Random, names = ['id', 'ref', 'other', 'word', 'n', 'n', 'word']): string {
  return `${random.pick(sources).alias}.${random.pick(names)}`;
}
