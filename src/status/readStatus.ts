import type { Db } from '../database/connect.ts';
import { groupPoison, type PoisonGroup } from '../outbox/poison.ts';

export type Status = {
  workers: { id: string; host: string; pid: number; version: string; started_at: string; seen_seconds_ago: number }[];
  objects: ObjectStatus[];
  poison: PoisonGroup[];
};

export type ObjectStatus = {
  object: string;
  /** Noted by triggers, not folded into rows yet. */
  marks: number;
  pending: number;
  oldest_pending_seconds: number | null;
  poison: number;
  sent_last_hour: number;
  paused: string | null;
  backfill: string | null;
};

/** What the outbox holds now, by the database's clock. */
export async function readStatus(db: Db): Promise<Status> {
  const [workers] = await db.raw(
    `SELECT id, host, pid, version, started_at, TIMESTAMPDIFF(SECOND, seen_at, UTC_TIMESTAMP(6)) AS seen_seconds_ago
     FROM hubspot_worker ORDER BY started_at`,
  );
  const [objects] = await db.raw(
    `SELECT b.object, b.marks, b.pending, b.poison,
            TIMESTAMPDIFF(SECOND, b.oldest_pending_since, UTC_TIMESTAMP(6)) AS oldest_pending_seconds,
            (SELECT COUNT(*) FROM hubspot_data d WHERE d.object = b.object AND d.sent_at > UTC_TIMESTAMP(6) - INTERVAL 1 HOUR) AS sent_last_hour,
            o.paused_code, o.paused_reason, o.backfill_reason, o.backfill_after
     FROM hubspot_backlog b JOIN hubspot_object o ON o.object = b.object ORDER BY b.object`,
  );
  return {
    workers: (workers as Status['workers']).map((worker) => ({
      ...worker,
      pid: Number(worker.pid),
      seen_seconds_ago: Number(worker.seen_seconds_ago),
    })),
    objects: (objects as Record<string, string | null>[]).map(toObjectStatus),
    poison: await groupPoison(db, {}),
  };
}

function toObjectStatus(row: Record<string, string | null>): ObjectStatus {
  return {
    object: String(row.object),
    marks: Number(row.marks),
    pending: Number(row.pending),
    oldest_pending_seconds: row.oldest_pending_seconds === null ? null : Number(row.oldest_pending_seconds),
    poison: Number(row.poison),
    sent_last_hour: Number(row.sent_last_hour),
    paused: row.paused_code ? `${row.paused_code}: ${row.paused_reason}` : null,
    backfill: row.backfill_reason ?? (row.backfill_after === null ? null : `stopped after ${row.backfill_after}`),
  };
}
