import type { Report } from '../health/health.ts';

/** What `/health` says. The names are public; what the database would tell is null while it does not. */
export function healthBody({ health, facts, outbox }: Report) {
  const objects = outbox?.objects ?? null;
  const sum = (of: 'pending' | 'poison') => objects?.reduce((total, object) => total + object[of], 0) ?? null;
  const pending = sum('pending');
  const ages = objects?.flatMap(({ oldestPendingSeconds }) => oldestPendingSeconds ?? []) ?? [];
  return {
    status: health.status,
    reasons: health.reasons,
    circuit: facts.circuit,
    /** Marks and pending rows; each is counted up to 100,000 an object. */
    backlog: outbox === null || pending === null ? null : outbox.marks + pending,
    oldest_pending_seconds: ages.length === 0 ? null : Math.max(...ages),
    poison: sum('poison'),
    calls_today: facts.callsToday,
    api_latency_ms: facts.apiLatencyMs === null ? null : Math.round(facts.apiLatencyMs),
    calls_per_day: facts.callsPerDay,
    daily_limit_reached: facts.dailyLimitReached,
    definitions: facts.definitions,
    redis: facts.redis,
    database: outbox === null ? 'down' : facts.database,
    unfollowed_watches: facts.unfollowedWatches,
    paused: facts.pauses.map((pause) => ({ ...pause, since: isoTime(pause.since) })),
    objects:
      objects?.map(({ object, marks, pending: rows, oldestPendingSeconds, poison }) => ({
        object,
        marks,
        pending: rows,
        oldest_pending_seconds: oldestPendingSeconds,
        poison,
      })) ?? null,
    worker: facts.workerId,
    started_at: isoTime(facts.startedAt),
    last_pass_ended_at: isoTime(facts.lastPassEndedAt),
    is_stopping: facts.isStopping,
  };
}

function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
