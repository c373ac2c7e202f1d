import type { Db } from '../database/connect.ts';

/** Now, by the database's clock: milliseconds since 1970. */
export async function readDatabaseTime(db: Db): Promise<number> {
  const [[row]] = await db.raw('SELECT UTC_TIMESTAMP(6) AS now');
  return Date.parse(`${String(row.now).replace(' ', 'T')}Z`);
}

/** Adds calls made to a day's, `YYYY-MM-DD`; returns how many all workers have made on it. Forgets days long past. */
export async function addCalls(db: Db, day: string, calls: number): Promise<number> {
  await db.raw(
    'INSERT INTO hubspot_calls (day, calls) VALUES (?, ?) ON DUPLICATE KEY UPDATE calls = calls + VALUES(calls)',
    [day, calls],
  );
  const [[row]] = await db.raw('SELECT calls FROM hubspot_calls WHERE day = ?', [day]);
  await db.raw('DELETE FROM hubspot_calls WHERE day < ? - INTERVAL 60 DAY', [day]);
  return Number(row.calls);
}
