import { setTimeout as delay } from 'node:timers/promises';
import mysql, { type Connection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';

export type Value = string | number | null | readonly number[];

/** Which records a statement concerns, as far as its author knows: for the trail of a record that went wrong. */
export type Touches = { users?: readonly number[] | 'all' | undefined; orders?: readonly number[] | 'all' | undefined };

/** A statement of the application as it went. */
export type Executed = Touches & {
  at: number;
  tookMs: number;
  session: string;
  sql: string;
  /** Rows it changed, `errno …`, or how a transaction ended. */
  outcome: string;
};

/** Errors that the shop's traffic makes by itself: a key that is taken. */
const OWN_ERRORS = [1062];

/** What the application ran, and which of it failed. */
export class Journal {
  readonly executed: Executed[] = [];
  /** By errno, those that the traffic makes by itself left out. */
  readonly failed = new Map<number, number>();
  /** The server's own words on the latest deadlock. */
  readonly deadlocks: string[] = [];
  statements = 0;

  note(entry: Executed): void {
    this.executed.push(entry);
  }
}

/** A session of the shop. It writes as old code does: no strict mode, bound to nobody's time zone. */
export class Session {
  readonly name: string;
  readonly #connection: Connection;
  readonly #journal: Journal;

  private constructor(name: string, connection: Connection, journal: Journal) {
    this.name = name;
    this.#connection = connection;
    this.#journal = journal;
  }

  static async open(name: string, url: string, journal: Journal): Promise<Session> {
    const connection = await mysql.createConnection({ uri: url, charset: 'utf8mb4', dateStrings: true });
    await connection.query("SET SESSION sql_mode = '', time_zone = '+00:00'");
    // Without gap locks two of its transactions that go in one order never wait for each other crosswise.
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    return new Session(name, connection, journal);
  }

  /** Runs a statement; false when it failed. */
  async execute(touches: Touches, sql: string, values: readonly Value[] = []): Promise<boolean> {
    const at = Date.now();
    const text = mysql.format(sql, [...values] as (string | number | null)[]);
    this.#journal.statements += 1;
    let outcome: string;
    let isDone = true;
    try {
      const [result] = await this.#connection.query<ResultSetHeader>(text);
      outcome = `${result.affectedRows ?? 0} rows`;
    } catch (error) {
      isDone = false;
      outcome = await this.#failed(error);
    }
    this.#journal.note({
      ...touches,
      at,
      tookMs: Date.now() - at,
      session: this.name,
      sql: text.slice(0, 400),
      outcome,
    });
    return isDone;
  }

  async read(sql: string, values: readonly Value[]): Promise<Record<string, string | null>[]> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      mysql.format(sql, [...values] as (string | number | null)[]),
    );
    return rows as Record<string, string | null>[];
  }

  /** Several statements in one transaction, which stays open for a while before it ends; one that fails ends it. */
  async transaction(
    statements: readonly (readonly [Touches, string, (readonly Value[])?])[],
    { holdMs = 0, end = 'COMMIT' }: { holdMs?: number; end?: 'COMMIT' | 'ROLLBACK' } = {},
  ): Promise<void> {
    await this.#connection.query('START TRANSACTION');
    for (const [touches, sql, values] of statements) {
      if (await this.execute(touches, sql, values)) continue;
      await this.#connection.query('ROLLBACK');
      return;
    }
    if (holdMs > 0) await delay(holdMs);
    const touches = statements.map(([each]) => each);
    await this.execute(
      { users: together(touches.map(({ users }) => users)), orders: together(touches.map(({ orders }) => orders)) },
      end,
    );
  }

  async close(): Promise<void> {
    await this.#connection.end();
  }

  async #failed(error: unknown): Promise<string> {
    const { errno = 0, message } = error as { errno?: number; message?: string };
    if (OWN_ERRORS.includes(errno)) return `errno ${errno}`;
    this.#journal.failed.set(errno, (this.#journal.failed.get(errno) ?? 0) + 1);
    if (errno === 1213) this.#journal.deadlocks.push(await this.#latestDeadlock());
    return `errno ${errno}: ${message}`;
  }

  async #latestDeadlock(): Promise<string> {
    const [rows] = await this.#connection.query<RowDataPacket[]>('SHOW ENGINE INNODB STATUS');
    const status = String(rows[0]?.Status ?? '');
    return /LATEST DETECTED DEADLOCK[\s\S]*?(?=\nTRANSACTIONS\n)/.exec(status)?.[0] ?? '';
  }
}

function together(touched: readonly Touches['users'][]): Touches['users'] {
  const ids = new Set<number>();
  for (const each of touched) {
    if (each === 'all') return 'all';
    for (const id of each ?? []) ids.add(id);
  }
  return [...ids];
}
