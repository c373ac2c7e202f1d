import type { ObjectFacts, OutboxFacts, WorkerFacts } from '../../src/health/facts.ts';
import type { Report } from '../../src/health/health.ts';
import { defaultThresholds, judgeHealth } from '../../src/health/judge.ts';

/** A moment of the tests. */
export const NOW = Date.parse('2026-11-28T12:00:00Z');

/** A worker that is well, but for what is said. */
export function workerFacts(over: Partial<WorkerFacts> = {}): WorkerFacts {
  return {
    workerId: 'host-1-abc',
    startedAt: NOW - 3_600_000,
    circuit: 'closed',
    pauses: [],
    definitions: 'live',
    callsToday: 100,
    callsPerDay: 200_000,
    dailyLimitReached: false,
    apiLatencyMs: 200,
    redis: 'off',
    lastPassEndedAt: NOW - 1_000,
    isStopping: false,
    database: 'up',
    unfollowedWatches: 0,
    unapplied: [],
    ...over,
  };
}

export function objectFacts(over: Partial<ObjectFacts> = {}): ObjectFacts {
  return {
    object: 'contacts',
    marks: 3,
    pending: 12,
    oldestPendingSeconds: 2,
    poison: 4,
    records: 1_000,
    sentLately: 500,
    poisonedLately: 0,
    ...over,
  };
}

export function outboxFacts(...objects: Partial<ObjectFacts>[]): OutboxFacts {
  const all = (objects.length === 0 ? [{}] : objects).map((over) => objectFacts(over));
  return { objects: all, marks: all.reduce((sum, { marks }) => sum + marks, 0) };
}

export function reportOf(worker: Partial<WorkerFacts> = {}, outbox: OutboxFacts | null = outboxFacts()): Report {
  const facts = workerFacts(worker);
  return { facts, outbox, health: judgeHealth(facts, outbox, defaultThresholds, NOW) };
}

export function pause(
  object: string,
  code = 'PROPERTY_DOESNT_EXIST',
  over: Partial<WorkerFacts['pauses'][number]> = {},
) {
  return { object, code, reason: 'HubSpot has no property named nope', since: NOW - 60_000, ...over };
}
