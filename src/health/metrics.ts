import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PassCounts } from '../counts.ts';
import type { Answer } from '../hubspot/client.ts';
import type { ObjectFacts, WorkerFacts } from './facts.ts';
import type { Report } from './health.ts';
import { plainCode } from './judge.ts';

/** What Prometheus is told. Names and labels are public; no label holds a source id or anything else without bounds. */
export type Metrics = {
  onAnswer(operation: string, answer: Answer): void;
  /** A pass that ended, whether or not it found anything to do. */
  onPass(counts: PassCounts, durationMs: number): void;
  onOutcomes(object: string, counts: Partial<PassCounts>): void;
  /** Sets what is not counted here but known elsewhere. */
  collect(report: Report): void;
  text(): Promise<{ contentType: string; text: string }>;
};

const OUTCOMES = ['synced', 'unchanged', 'gone', 'poison', 'later'] as const;
const CIRCUITS = ['closed', 'half-open', 'open'] as const;
const STATUSES = ['healthy', 'degraded', 'unhealthy'] as const;
const SOURCES = ['live', 'cache', 'none'] as const;
const POLICIES = ['SECONDLY', 'TEN_SECONDLY_ROLLING', 'DAILY'];

/** From 20 ms to the 100 s after which HubSpot's own proxy gives up; 30 s is when we do. */
const CALL_BUCKETS_S = [0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100];
/** A pass that finds nothing takes milliseconds; one that drains a backlog, hours. */
const PASS_BUCKETS_S = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200];

/** Sampled every 10 ms, the lag of the event loop is half of what an idle worker costs. What it says includes the sample. */
const LAG_SAMPLE_MS = 100;

/** Metrics on a registry of their own, the process's own included. */
export function createMetrics({ version, objects }: { version: string; objects: readonly string[] }): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: LAG_SAMPLE_MS });
  const counters = createCounters(register);
  const gauges = createGauges(register);
  gauges.buildInfo.set({ version }, 1);
  // A counter that appears with its first increment hides that increment from rate().
  for (const object of objects) for (const outcome of OUTCOMES) counters.records.inc({ object, outcome }, 0);
  for (const policy of [...POLICIES, 'LOCKED', 'OTHER']) counters.rateLimited.inc({ policy }, 0);

  return {
    onAnswer(operation, answer) {
      const { status, failure, latencyMs } = answer;
      counters.calls.inc({ operation, status: String(status ?? failure ?? 'network') });
      // What we gave up ourselves, or what nobody took, says nothing about how long HubSpot takes.
      if (failure !== 'aborted' && failure !== 'unreached') {
        counters.callDuration.observe({ operation }, latencyMs / 1_000);
      }
      const policy = policyOf(answer);
      if (policy !== null) counters.rateLimited.inc({ policy });
    },
    onPass({ marks }, durationMs) {
      counters.passes.inc();
      counters.marksFolded.inc(marks);
      counters.passDuration.observe(durationMs / 1_000);
    },
    onOutcomes(object, counts) {
      for (const outcome of OUTCOMES) counters.records.inc({ object, outcome }, counts[outcome] ?? 0);
    },
    collect({ facts, outbox, health }) {
      setWorker(gauges, facts);
      oneOf(gauges.health, 'status', STATUSES, health.status);
      gauges.databaseUp.set(facts.database === 'up' && outbox !== null ? 1 : 0);
      setObjects(gauges, outbox?.objects ?? []);
      // A gauge whose value is not known is absent: the last one would be a lie.
      if (outbox === null) gauges.marks.remove();
      else gauges.marks.set(outbox.marks);
    },
    text: async () => ({ contentType: register.contentType, text: await register.metrics() }),
  };
}

function createCounters(register: Registry) {
  const counter = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Counter({ name: `hubspot_outbox_${name}`, help, labelNames, registers: [register] });
  const histogram = <T extends string>(name: string, help: string, buckets: number[], labelNames: T[] = []) =>
    new Histogram({ name: `hubspot_outbox_${name}`, help, buckets, labelNames, registers: [register] });
  return {
    records: counter('records_total', 'Rows that were settled, by how they ended.', ['object', 'outcome']),
    calls: counter(
      'api_calls_total',
      'Calls of HubSpot, by the HTTP status of the answer, or timeout, network, unreached or aborted.',
      ['operation', 'status'],
    ),
    callDuration: histogram('api_call_duration_seconds', 'How long HubSpot took.', CALL_BUCKETS_S, ['operation']),
    rateLimited: counter('rate_limited_total', 'Calls that HubSpot refused for their number, by its policy.', [
      'policy',
    ]),
    marksFolded: counter('marks_folded_total', 'Marks of triggers that were folded into rows.'),
    passes: counter('passes_total', 'Passes that ended, also those that found nothing to do.'),
    passDuration: histogram('pass_duration_seconds', 'How long a pass took.', PASS_BUCKETS_S),
  };
}

type Gauges = ReturnType<typeof createGauges>;

function createGauges(register: Registry) {
  const gauge = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Gauge({ name: `hubspot_outbox_${name}`, help, labelNames, registers: [register] });
  return {
    buildInfo: gauge('build_info', 'Always 1; the label is the version that runs.', ['version']),
    health: gauge('health', '1 for the status the worker has, 0 for the others.', ['status']),
    databaseUp: gauge('database_up', 'Whether the outbox can be read.'),
    marks: gauge('marks', 'Marks that are not folded yet; counted up to 100000.'),
    pending: gauge('pending_records', 'Rows that wait to be delivered; counted up to 100000.', ['object']),
    oldest: gauge('oldest_pending_seconds', 'How long the oldest change waits, as a mark or a row; 0 when none does.', [
      'object',
    ]),
    poison: gauge('poison_records', 'Rows that HubSpot refuses; counted up to 100000.', ['object']),
    circuit: gauge('circuit_state', '1 for the state the circuit breaker is in, 0 for the others.', ['state']),
    paused: gauge('paused', '1 while an object is paused for a reason; object * is the whole worker.', [
      'object',
      'code',
    ]),
    callsToday: gauge('api_calls_today', 'Calls of HubSpot since the day began in the time zone of the account.'),
    callsLimit: gauge('api_calls_daily_limit', 'The budget of calls a day; absent where the mapping sets none.'),
    limitReached: gauge('daily_limit_reached', 'Whether the worker rests until the day ends.'),
    definitions: gauge('definitions', '1 for where the property definitions came from, 0 for the others.', ['source']),
    redisDegraded: gauge('redis_degraded', 'Whether this worker goes on without the Redis it is to share.'),
    unfollowed: gauge('unfollowed_watches', 'Watches whose marks cannot be followed.'),
  };
}

function setWorker(gauges: Gauges, facts: WorkerFacts): void {
  oneOf(gauges.circuit, 'state', CIRCUITS, facts.circuit);
  oneOf(gauges.definitions, 'source', SOURCES, facts.definitions);
  gauges.paused.reset();
  for (const { object, code } of facts.pauses) gauges.paused.set({ object, code: plainCode(code) }, 1);
  gauges.callsToday.set(facts.callsToday);
  if (facts.callsPerDay === null) gauges.callsLimit.remove();
  else gauges.callsLimit.set(facts.callsPerDay);
  gauges.limitReached.set(facts.dailyLimitReached ? 1 : 0);
  gauges.redisDegraded.set(facts.redis === 'degraded' ? 1 : 0);
  gauges.unfollowed.set(facts.unfollowedWatches);
}

function setObjects({ pending, oldest, poison }: Gauges, objects: readonly ObjectFacts[]): void {
  for (const gauge of [pending, oldest, poison]) gauge.reset();
  for (const { object, ...facts } of objects) {
    pending.set({ object }, facts.pending);
    oldest.set({ object }, facts.oldestPendingSeconds ?? 0);
    poison.set({ object }, facts.poison);
  }
}

function oneOf<L extends string>(gauge: Gauge<L>, label: L, values: readonly string[], value: string): void {
  for (const each of values) gauge.set({ [label]: each } as Record<L, string>, each === value ? 1 : 0);
}

/** The policy of a 429 as HubSpot names it, where it is one we know. */
function policyOf({ status, body }: Answer): string | null {
  if (status === 423) return 'LOCKED';
  if (status !== 429) return null;
  const name = (body as { policyName?: unknown } | null | undefined)?.policyName;
  return typeof name === 'string' && POLICIES.includes(name) ? name : 'OTHER';
}
