import { Readable } from 'node:stream';
import { type Connection, createConnection, type FieldPacket } from 'mysql2/promise';
import type { Random } from '../../examples/shop/random.ts';
import type { Query, Scenario } from './scenario.ts';
import { insertInto, quietStatement, randomStatement, type Statement } from './statements.ts';

/** What every record of a query looks like: source id → its rows, byte by byte. */
export type Snapshot = Map<string, string>;

/** A connection as the application has it: whatever it reads comes back as bytes. */
export async function openSession(url: string): Promise<Connection> {
  const typeCast = (field: { buffer(): Buffer | null }) => field.buffer();
  const connection = await createConnection({ uri: url, charset: 'utf8mb4', rowsAsArray: true, typeCast });
  // MariaDB keeps a subquery's result by the outer value in the outer column's collation: with a latin1 column outside
  // and a utf8mb4_bin one inside, B gets what was found for b, and what a record gets depends on which others are asked
  // for with it. MySQL knows no such switch.
  await connection.query("SET SESSION optimizer_switch = 'subquery_cache=off'").catch(() => undefined);
  return connection;
}

/** Whether this server takes LOAD DATA LOCAL INFILE from us. */
export async function canLoadData(connection: Connection): Promise<boolean> {
  await connection.query('SET GLOBAL local_infile = 1').catch(() => undefined);
  const [rows] = await connection.query("SHOW VARIABLES LIKE 'local_infile'");
  return String((rows as Buffer[][])[0]?.[1]) === 'ON';
}

/** One to eight statements, by themselves or in a transaction that may end in a rollback. */
export function randomStatements(scenario: Scenario, random: Random, canLoad: boolean): Statement[] {
  const mode = random.pick(["SET sql_mode = ''", "SET sql_mode = 'STRICT_ALL_TABLES'"]);
  const statements = Array.from({ length: random.integer(1, 8) }, () => randomStatement(scenario, random, canLoad));
  if (random.chance(0.5)) return [{ sql: mode }, ...statements];
  const undone = Array.from({ length: random.integer(0, 2) }, () => randomStatement(scenario, random, false));
  const partly = [{ sql: 'SAVEPOINT here' }, ...undone, { sql: 'ROLLBACK TO SAVEPOINT here' }];
  const end = { sql: random.chance(0.2) ? 'ROLLBACK' : 'COMMIT' };
  return [{ sql: mode }, { sql: 'START TRANSACTION' }, ...statements, ...(undone.length > 0 ? partly : []), end];
}

/** Statements that change nothing any query reads. */
export function quietStatements(scenario: Scenario, random: Random): Statement[] {
  const statements = Array.from({ length: random.integer(2, 6) }, () => quietStatement(scenario, random));
  return [{ sql: "SET sql_mode = ''" }, ...statements];
}

/** Inserts for the tables that have run low, so that there is always something to change. */
export function refill(scenario: Scenario, rows: Map<string, unknown[]>, random: Random): Statement[] {
  return scenario.tables.flatMap((table) => {
    const missing = (rows.get(table.name)?.length ?? 0) < 3 ? 5 : 0;
    return Array.from({ length: missing }, () => insertInto(table, random));
  });
}

/** Runs the statements as they come; returns how many failed, which a statement at random may. */
export async function perform(connection: Connection, statements: Statement[]): Promise<number> {
  let failed = 0;
  for (const { sql, file } of statements) {
    const infileStreamFactory = () => Readable.from([Buffer.from(file ?? '')]);
    await connection.query({ sql, infileStreamFactory }).catch((error: Error) => {
      if (isLost(error)) throw error;
      failed++;
    });
  }
  return failed;
}

/** What the query returns for every record there is now. */
export async function takeSnapshot(connection: Connection, { key, query }: Query): Promise<Snapshot> {
  const [ids, [keyField]] = await connection.query(`SELECT ${key.column} FROM ${key.table}`);
  const literals = (ids as Buffer[][]).map(([id]) => literal(id, keyField));
  if (literals.length === 0) return new Map();
  const [rows, fields] = await connection.query(query.replaceAll(':ids', literals.join(', ')));
  const byId = Map.groupBy(rows as (Buffer | null)[][], ([id]) => sourceId(id ?? null, keyField ?? fields[0]));
  return new Map(
    [...byId].map(([id, same]) => [
      id,
      same
        .map((row) => row.map(hex).join(' '))
        .sort()
        .join('\n'),
    ]),
  );
}

/** Every row of every table as INSERT statements, for the trail of a failure. */
export async function dump(connection: Connection, scenario: Scenario): Promise<Map<string, string[]>> {
  const inserts = new Map<string, string[]>();
  for (const { name } of scenario.tables) {
    const [rows, fields] = await connection.query(`SELECT * FROM ${name}`);
    const values = (rows as (Buffer | null)[][]).map((row) =>
      row.map((value, n) => literal(value, fields[n])).join(', '),
    );
    inserts.set(
      name,
      values.map((list) => `INSERT INTO ${name} VALUES (${list})`),
    );
  }
  return inserts;
}

/** Ids as the outbox writes them: numbers in decimal, text as it is, bytes in capital hex. */
function sourceId(id: Buffer | null, field: FieldPacket | undefined): string {
  if (!id) return 'NULL';
  return isBinary(field) ? id.toString('hex').toUpperCase() : id.toString('utf8');
}

function literal(value: Buffer | null | undefined, field: FieldPacket | undefined): string {
  if (!value) return 'NULL';
  if (isBinary(field)) return value.length === 0 ? "''" : `x'${value.toString('hex')}'`;
  return `'${value.toString('utf8').replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** BINARY, VARBINARY, BLOB and BIT: text types in character set 63, and type 16. */
function isBinary(field: FieldPacket | undefined): boolean {
  const type = field?.columnType ?? 0;
  const { characterSet } = field as { characterSet?: number };
  return type === 16 || (characterSet === 63 && [15, 249, 250, 251, 252, 253, 254].includes(type));
}

function hex(value: Buffer | null): string {
  return value ? `x${value.toString('hex')}` : 'NULL';
}

function isLost(error: Error): boolean {
  return 'fatal' in error && error.fatal === true;
}
