import { describe, expect, it } from 'vitest';
import { noCounts } from '../../src/counts.ts';
import { createMetrics, type Metrics } from '../../src/health/metrics.ts';
import type { Answer } from '../../src/hubspot/client.ts';
import { parseExposition, sampleOf } from './exposition.ts';
import { outboxFacts, pause, reportOf } from './someFacts.ts';

const answer = (over: Partial<Answer>): Answer => ({ status: 200, headers: {}, body: {}, latencyMs: 120, ...over });

async function exposed(metrics: Metrics) {
  return parseExposition((await metrics.text()).text);
}

/** Everything that can happen, so that every family has samples. */
function busyMetrics(): Metrics {
  const metrics = createMetrics({ version: '1.2.3', objects: ['contacts', 'orders'] });
  metrics.onAnswer('upsert', answer({}));
  metrics.onAnswer('upsert', answer({ status: 429, body: { policyName: 'DAILY' } }));
  metrics.onAnswer('read', answer({ status: null, failure: 'timeout', latencyMs: 30_000 }));
  metrics.onPass({ ...noCounts(), marks: 7, claimed: 5 }, 1_500);
  metrics.onOutcomes('contacts', { synced: 4, poison: 1 });
  metrics.collect(reportOf({ pauses: [pause('orders')] }, outboxFacts({}, { object: 'orders', pending: 0 })));
  return metrics;
}

const OURS = [
  'api_call_duration_seconds',
  'api_calls_daily_limit',
  'api_calls_today',
  'api_calls_total',
  'build_info',
  'circuit_state',
  'daily_limit_reached',
  'database_up',
  'definitions',
  'health',
  'marks',
  'marks_folded_total',
  'oldest_pending_seconds',
  'pass_duration_seconds',
  'passes_total',
  'paused',
  'pending_records',
  'poison_records',
  'rate_limited_total',
  'records_total',
  'redis_degraded',
  'unfollowed_watches',
].map((name) => `hubspot_outbox_${name}`);

describe('the metrics', () => {
  it('are the public ones, and those of the process', async () => {
    const names = [...(await exposed(busyMetrics())).keys()];
    expect(names.filter((name) => name.startsWith('hubspot_outbox_')).sort()).toEqual(OURS);
    expect(names).toEqual(expect.arrayContaining(['process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds']));
  });

  it('are exposed in the text format that Prometheus asks for', async () => {
    const { contentType } = await busyMetrics().text();
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  it('keep the conventions: base units, counters that end in _total, and nothing else that does', async () => {
    for (const { name, type, help, samples } of (await exposed(busyMetrics())).values()) {
      if (!name.startsWith('hubspot_outbox_')) continue;
      expect(name).toMatch(/^[a-z_]+$/);
      expect(name).not.toMatch(/_(ms|milliseconds|minutes|percent|count|bucket|sum)$/);
      expect({ name, isCounter: type === 'counter' }).toEqual({ name, isCounter: name.endsWith('_total') });
      expect(['counter', 'gauge', 'histogram']).toContain(type);
      expect(help).toMatch(/^[A-Z1].{10,}\.$/);
      expect(samples.length, name).toBeGreaterThan(0);
    }
  });

  it('have no label but those with few values', async () => {
    const families = [...(await exposed(busyMetrics())).values()].filter(({ name }) =>
      name.startsWith('hubspot_outbox_'),
    );
    const labels = new Set(families.flatMap(({ samples }) => samples.flatMap((sample) => Object.keys(sample.labels))));
    expect([...labels].sort()).toEqual(
      ['code', 'le', 'object', 'operation', 'outcome', 'policy', 'source', 'state', 'status', 'version'].sort(),
    );
  });

  it('keep what HubSpot may make up out of the labels', async () => {
    const metrics = createMetrics({ version: '1', objects: [] });
    metrics.onAnswer('upsert', answer({ status: 429, body: { policyName: 'bob@example.com' } }));
    metrics.onAnswer('upsert', answer({ status: 429, body: null }));
    metrics.onAnswer('upsert', answer({ status: 423, body: 'locked' }));
    metrics.collect(reportOf({ pauses: [pause('contacts', 'ann@example.com"\n')] }));
    const families = await exposed(metrics);
    expect(sampleOf(families, 'hubspot_outbox_rate_limited_total', { policy: 'OTHER' })).toBe(2);
    expect(sampleOf(families, 'hubspot_outbox_rate_limited_total', { policy: 'LOCKED' })).toBe(1);
    expect(families.get('hubspot_outbox_paused')?.samples.map(({ labels }) => labels)).toEqual([
      { object: 'contacts', code: 'OTHER' },
    ]);
  });

  it('count calls by status, and what never came by its failure', async () => {
    const families = await exposed(busyMetrics());
    const calls = (operation: string, status: string) =>
      sampleOf(families, 'hubspot_outbox_api_calls_total', { operation, status });
    expect([calls('upsert', '200'), calls('upsert', '429'), calls('read', 'timeout')]).toEqual([1, 1, 1]);
    expect(sampleOf(families, 'hubspot_outbox_rate_limited_total', { policy: 'DAILY' })).toBe(1);
    expect(sampleOf(families, 'hubspot_outbox_api_call_duration_seconds_sum', { operation: 'upsert' })).toBeCloseTo(
      0.24,
    );
    const within = (le: string) =>
      sampleOf(families, 'hubspot_outbox_api_call_duration_seconds_bucket', { operation: 'upsert', le });
    expect([within('0.1'), within('0.25'), within('+Inf')]).toEqual([0, 2, 2]);
  });

  it.each(['aborted', 'unreached'] as const)('do not take a call that was %s for a quick one', async (failure) => {
    const metrics = createMetrics({ version: '1', objects: [] });
    metrics.onAnswer('upsert', answer({ status: null, failure, latencyMs: 0 }));
    const families = await exposed(metrics);
    expect(sampleOf(families, 'hubspot_outbox_api_calls_total', { status: failure })).toBe(1);
    expect(sampleOf(families, 'hubspot_outbox_api_call_duration_seconds_count')).toBeUndefined();
  });

  it('add up outcomes by object, from zero', async () => {
    const metrics = busyMetrics();
    metrics.onOutcomes('contacts', { synced: 2, later: 3, calls: 9 });
    const families = await exposed(metrics);
    const records = (object: string, outcome: string) =>
      sampleOf(families, 'hubspot_outbox_records_total', { object, outcome });
    expect([records('contacts', 'synced'), records('contacts', 'poison'), records('contacts', 'later')]).toEqual([
      6, 1, 3,
    ]);
    expect([records('contacts', 'gone'), records('orders', 'synced')]).toEqual([0, 0]);
  });

  it('count passes with what they folded and took', async () => {
    const families = await exposed(busyMetrics());
    expect(sampleOf(families, 'hubspot_outbox_passes_total')).toBe(1);
    expect(sampleOf(families, 'hubspot_outbox_marks_folded_total')).toBe(7);
    expect(sampleOf(families, 'hubspot_outbox_pass_duration_seconds_sum')).toBe(1.5);
  });

  it('tell the present state, and no more the one before', async () => {
    const metrics = busyMetrics();
    metrics.collect(
      reportOf(
        { circuit: 'open', callsPerDay: null, definitions: 'cache' },
        outboxFacts({ oldestPendingSeconds: null }),
      ),
    );
    const families = await exposed(metrics);
    const states = families
      .get('hubspot_outbox_circuit_state')
      ?.samples.map(({ labels, value }) => [labels.state, value]);
    expect(states).toEqual([
      ['closed', 0],
      ['half-open', 0],
      ['open', 1],
    ]);
    expect(families.get('hubspot_outbox_paused')?.samples).toEqual([]);
    expect(families.get('hubspot_outbox_api_calls_daily_limit')?.samples).toEqual([]);
    expect(sampleOf(families, 'hubspot_outbox_definitions', { source: 'cache' })).toBe(1);
    expect(sampleOf(families, 'hubspot_outbox_health', { status: 'degraded' })).toBe(1);
    expect(families.get('hubspot_outbox_pending_records')?.samples.map(({ labels }) => labels.object)).toEqual([
      'contacts',
    ]);
    expect(sampleOf(families, 'hubspot_outbox_oldest_pending_seconds', { object: 'contacts' })).toBe(0);
  });

  it('leave out what is not known while the database is away', async () => {
    const metrics = busyMetrics();
    metrics.collect(reportOf({}, null));
    const families = await exposed(metrics);
    expect(sampleOf(families, 'hubspot_outbox_database_up')).toBe(0);
    for (const name of ['pending_records', 'oldest_pending_seconds', 'poison_records', 'marks']) {
      expect(families.get(`hubspot_outbox_${name}`)?.samples, name).toEqual([]);
    }
    expect(sampleOf(families, 'hubspot_outbox_api_calls_today')).toBe(100);
  });
});
