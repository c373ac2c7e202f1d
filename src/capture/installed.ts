import type { Db } from '../database/connect.ts';
import { quoteName } from '../keys.ts';
import { LABEL, type TriggerEvent } from './render.ts';

export type Installed = {
  name: string;
  table: string;
  event: TriggerEvent;
  timing: string;
  body: string;
  definer: string;
  sqlMode: string;
};

/** The mode our triggers are made in; it is stored with them and rules their statements. */
export const TRIGGER_SQL_MODE = 'STRICT_ALL_TABLES';

export async function readInstalled(db: Db): Promise<Installed[]> {
  const [rows] = await db.raw(
    `SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS table_name, EVENT_MANIPULATION AS event, ACTION_TIMING AS timing,
            ACTION_STATEMENT AS body, DEFINER AS definer, SQL_MODE AS sql_mode
     FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()`,
  );
  return (rows as Record<string, string>[]).map((row) => ({
    name: row.name ?? '',
    table: row.table_name ?? '',
    event: (row.event ?? 'INSERT') as TriggerEvent,
    timing: row.timing ?? '',
    body: row.body ?? '',
    definer: row.definer ?? '',
    sqlMode: row.sql_mode ?? '',
  }));
}

/** A trigger's body as it was written: MySQL's information_schema garbles names that hold a backtick. */
export async function readBody(db: Db, name: string): Promise<string> {
  const [[row]] = await db.raw(`SHOW CREATE TRIGGER ${quoteName(name)}`);
  const text = String(row['SQL Original Statement']);
  return text.slice(text.indexOf(LABEL));
}

export function isOurs({ name, body }: Installed): boolean {
  return name.startsWith('hubspot_') && body.trimStart().startsWith(LABEL);
}

/** MySQL since 5.7.2, MariaDB since 10.2.3. */
export async function takesSeveralTriggers(db: Db): Promise<boolean> {
  const { isMariaDb, number } = await readVersion(db);
  return number >= (isMariaDb ? 100_203 : 50_702);
}

export async function readVersion(db: Db): Promise<{ isMariaDb: boolean; number: number }> {
  const [[row]] = await db.raw('SELECT VERSION() AS version');
  const text = String(row.version);
  const [major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(text.replace(/^5\.5\.5-/, '')) ?? [])
    .slice(1)
    .map(Number);
  return { isMariaDb: /mariadb/i.test(text), number: major * 10_000 + minor * 100 + patch };
}
