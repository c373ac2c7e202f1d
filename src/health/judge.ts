import { COUNT_LIMIT, type ObjectFacts, type OutboxFacts, type WorkerFacts } from './facts.ts';

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

export type FindingCode =
  | 'DATABASE_DOWN'
  | 'BREAKER'
  | 'PAUSED'
  | 'OLD_BACKLOG'
  | 'POISON_SHARE'
  | 'QUOTA'
  | 'LATENCY'
  | 'REDIS'
  | 'NO_DEFINITIONS'
  | 'UNFOLLOWED_MARKS'
  | 'UNAPPLIED'
  | 'STOPPING';

/** One thing that is not as it should be. The sentence holds numbers, names of the mapping and codes, and nothing else. */
export type Finding = { code: FindingCode; status: 'degraded' | 'unhealthy'; sentence: string };

export type Health = { status: HealthStatus; reasons: string[]; findings: Finding[] };

export type Thresholds = {
  oldestPendingSeconds: Levels;
  /** Of the records, and of what was sent lately; 0 to 1. */
  poisonShare: Levels;
  /** A share of fewer poisoned records than this says nothing. */
  poisonAtLeast: number;
  /** Of the calls a day, 0 to 1. */
  quotaShare: Levels;
  apiLatencyMs: number;
};

/** From these values on. */
type Levels = { degraded: number; unhealthy: number };

export const defaultThresholds: Thresholds = {
  oldestPendingSeconds: { degraded: 600, unhealthy: 3_600 },
  poisonShare: { degraded: 0.1, unhealthy: 0.5 },
  poisonAtLeast: 20,
  quotaShare: { degraded: 0.9, unhealthy: 1 },
  apiLatencyMs: 5_000,
};

/**
 * What is wrong, worst first. A pause or an open breaker alone is `degraded`: rows wait in the outbox and lose nothing.
 * What that leaves waiting for too long is `unhealthy`.
 * @param outbox null when it could not be read
 */
export function judgeHealth(
  facts: WorkerFacts,
  outbox: OutboxFacts | null,
  thresholds: Thresholds,
  now: number,
): Health {
  const findings = [
    ...judgeDatabase(facts, outbox),
    ...judgeBacklog(outbox, thresholds),
    ...judgeQuota(facts, outbox, thresholds),
    ...judgePoison(outbox, thresholds),
    ...judgeHubspot(facts, thresholds),
    ...judgePauses(facts, now),
    ...judgeWorker(facts),
  ].sort((a, b) => rankOf(b.status) - rankOf(a.status));
  const status = findings[0]?.status ?? 'healthy';
  return { status, reasons: findings.map(({ sentence }) => sentence), findings };
}

/** 0 healthy, 1 degraded, 2 unhealthy. */
export function rankOf(status: HealthStatus): 0 | 1 | 2 {
  switch (status) {
    case 'healthy':
      return 0;
    case 'degraded':
      return 1;
    case 'unhealthy':
      return 2;
  }
}

/** How far the calls of a day are spent, 0 to 1 and more; null without a budget. */
export function quotaShare({ callsToday, callsPerDay, dailyLimitReached }: WorkerFacts): number | null {
  const share = callsPerDay === null ? null : callsToday / callsPerDay;
  return dailyLimitReached ? Math.max(1, share ?? 1) : share;
}

function judgeDatabase({ database }: WorkerFacts, outbox: OutboxFacts | null): Finding[] {
  if (database === 'up' && outbox !== null) return [];
  return [{ code: 'DATABASE_DOWN', status: 'unhealthy', sentence: 'the database does not answer as it should' }];
}

function judgeBacklog(outbox: OutboxFacts | null, thresholds: Thresholds): Finding[] {
  return (outbox?.objects ?? []).flatMap(({ object, oldestPendingSeconds, pending, marks }): Finding[] => {
    const status = levelOf(oldestPendingSeconds, thresholds.oldestPendingSeconds);
    if (status === null || oldestPendingSeconds === null) return [];
    const waits = `the oldest change of ${object} has waited ${duration(oldestPendingSeconds)}`;
    return [{ code: 'OLD_BACKLOG', status, sentence: `${waits}; ${atMost(pending)} pending, ${atMost(marks)} marks` }];
  });
}

function judgeQuota(facts: WorkerFacts, outbox: OutboxFacts | null, thresholds: Thresholds): Finding[] {
  const share = quotaShare(facts);
  const status = levelOf(share, thresholds.quotaShare);
  if (status === null || share === null) return [];
  const { callsToday, callsPerDay, dailyLimitReached } = facts;
  const spent = callsPerDay === null ? `${callsToday} calls` : `${callsToday} of ${callsPerDay} calls`;
  if (!dailyLimitReached && share < 1) return [{ code: 'QUOTA', status, sentence: `${spent} of the day are made` }];
  const undone = outbox?.objects.reduce((sum, { pending }) => sum + pending, 0) ?? null;
  const left = undone === null ? '' : `; ${atMost(undone)} rows wait for the next day`;
  return [{ code: 'QUOTA', status, sentence: `the calls of the day are spent (${spent})${left}` }];
}

function judgePoison(outbox: OutboxFacts | null, { poisonShare, poisonAtLeast }: Thresholds): Finding[] {
  return (outbox?.objects ?? []).flatMap((facts): Finding[] => {
    const { object, poison } = facts;
    const [share, of] = worstShare(facts, poisonAtLeast);
    const status = levelOf(share, poisonShare);
    const inAll = `${atMost(poison)} rows`;
    if (status !== null) {
      const sentence = `${percent(share)} of ${of} of ${object} are poison, ${inAll} in all`;
      return [{ code: 'POISON_SHARE', status, sentence }];
    }
    // Of how many is not counted then; that many deserve a look anyhow.
    if (poison < COUNT_LIMIT) return [];
    return [{ code: 'POISON_SHARE', status: 'degraded', sentence: `${inAll} of ${object} are poison` }];
  });
}

/** Of the records where they are few enough to be counted, and of what was sent lately: whichever is worse. */
function worstShare(
  { poison, records, sentLately, poisonedLately }: ObjectFacts,
  atLeast: number,
): [share: number, of: string] {
  const ofRecords = poison >= atLeast && records < COUNT_LIMIT ? poison / Math.max(poison, records) : 0;
  const ofSent = poisonedLately >= atLeast ? poisonedLately / (poisonedLately + sentLately) : 0;
  return ofSent > ofRecords ? [ofSent, 'what was sent lately'] : [ofRecords, 'the records'];
}

function judgeHubspot({ circuit, apiLatencyMs, definitions }: WorkerFacts, thresholds: Thresholds): Finding[] {
  const findings: Finding[] = [];
  if (circuit !== 'closed') {
    const sentence =
      circuit === 'open'
        ? 'the circuit breaker is open: HubSpot fails, and rows wait'
        : 'the circuit breaker is half open: one batch tries whether HubSpot is back';
    findings.push({ code: 'BREAKER', status: 'degraded', sentence });
  }
  if (apiLatencyMs !== null && apiLatencyMs >= thresholds.apiLatencyMs) {
    findings.push({ code: 'LATENCY', status: 'degraded', sentence: `HubSpot takes ${Math.round(apiLatencyMs)} ms` });
  }
  if (definitions === 'none') {
    const sentence = 'HubSpot never told its property definitions: nothing is sent before it does';
    findings.push({ code: 'NO_DEFINITIONS', status: 'degraded', sentence });
  }
  return findings;
}

function judgePauses({ pauses }: WorkerFacts, now: number): Finding[] {
  return pauses.map(({ object, code, since }) => {
    const name = object === '*' ? 'every object' : object;
    const waited = duration(Math.max(0, (now - since) / 1_000));
    return { code: 'PAUSED', status: 'degraded', sentence: `${name} is paused for ${waited}: ${plainCode(code)}` };
  });
}

function judgeWorker({ redis, unfollowedWatches, unapplied, isStopping }: WorkerFacts): Finding[] {
  const findings: Finding[] = [];
  if (redis === 'degraded') {
    const sentence = 'Redis is away: this worker goes on alone, with its part of the limit';
    findings.push({ code: 'REDIS', status: 'degraded', sentence });
  }
  if (unfollowedWatches > 0) {
    const sentence = `marks of ${unfollowedWatches} watches cannot be followed; the log says why`;
    findings.push({ code: 'UNFOLLOWED_MARKS', status: 'degraded', sentence });
  }
  for (const { object } of unapplied) {
    const sentence = `the triggers of ${object} are not those of the mapping: hubspot-outbox triggers apply`;
    findings.push({ code: 'UNAPPLIED', status: 'degraded', sentence });
  }
  if (isStopping) findings.push({ code: 'STOPPING', status: 'degraded', sentence: 'the worker is stopping' });
  return findings;
}

function levelOf(value: number | null, { degraded, unhealthy }: Levels): 'degraded' | 'unhealthy' | null {
  if (value === null || value < degraded) return null;
  return value < unhealthy ? 'degraded' : 'unhealthy';
}

/** Codes may come from HubSpot: whatever is none of its usual ones is not repeated. */
export function plainCode(code: string): string {
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : 'OTHER';
}

/** What was counted up to a limit. */
function atMost(count: number): string {
  return count >= COUNT_LIMIT ? `${COUNT_LIMIT} or more` : String(count);
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}
