import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Db } from '../database/connect.ts';

export function newWorkerId(): string {
  return `${
    hostname()
      .replace(/[^A-Za-z0-9.-]/g, '')
      .slice(0, 20) || 'worker'
  }-${process.pid}-${randomBytes(3).toString('hex')}`;
}

/** Says that a worker lives, and forgets workers that have not for a day; returns how many have within a minute. */
export async function reportAlive(db: Db, workerId: string, version: string): Promise<number> {
  await db.raw(
    `INSERT INTO hubspot_worker (id, host, pid, version, started_at, seen_at)
     VALUES (?, ?, ?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE seen_at = UTC_TIMESTAMP(6)`,
    [workerId, hostname().slice(0, 191), process.pid, version],
  );
  await db.raw('DELETE FROM hubspot_worker WHERE seen_at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY');
  const [[row]] = await db.raw(
    'SELECT COUNT(*) AS worker_count FROM hubspot_worker WHERE seen_at > UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE',
  );
  return Number(row.worker_count);
}

export async function reportStopped(db: Db, workerId: string): Promise<void> {
  await db.raw('DELETE FROM hubspot_worker WHERE id = ?', [workerId]);
}
