import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Db } from '../../src/database/connect.ts';
import type { WorkerFacts } from '../../src/health/facts.ts';
import { createMetrics } from '../../src/health/metrics.ts';
import { type Monitoring, startMonitoring } from '../../src/http/startMonitoring.ts';
import { parseExposition, sampleOf } from '../health/exposition.ts';
import { type Receiver, startReceiver } from '../health/receiver.ts';
import { pause, workerFacts } from '../health/someFacts.ts';
import { enqueueIds, type Outbox, openOutbox } from '../outbox/outbox.ts';
import { until } from '../support/program.ts';

describe('monitoring', () => {
  let outbox: Outbox;
  let db: Db;
  let monitoring: Monitoring | undefined;
  let receiver: Receiver | undefined;
  beforeAll(async () => {
    outbox = await openOutbox();
    db = await connect(outbox.url);
    await enqueueIds(outbox.db, ['1', '2', '3']);
  });
  afterEach(async () => {
    await monitoring?.close();
    await receiver?.close();
  });
  afterAll(async () => {
    await db?.destroy();
    await outbox?.close();
  });

  async function start(facts: () => WorkerFacts, alerts: { webhookUrl: string } | null = null): Promise<string> {
    monitoring = await startMonitoring({
      db,
      objects: ['contacts'],
      facts,
      metrics: createMetrics({ version: '1.2.3', objects: ['contacts'] }),
      http: { host: '127.0.0.1', port: 0 },
      alerts,
      log: pino({ level: 'silent' }),
    });
    return monitoring.url;
  }

  it('shows health, readiness and metrics of one moment', async () => {
    const url = await start(() => workerFacts({ circuit: 'open' }));
    await until(async () => (await fetch(`${url}/readyz`)).status === 200);
    await until(async () => (await fetch(`${url}/health`)).status === 200);
    const health = await (await fetch(`${url}/health`)).json();
    expect(health).toMatchObject({ status: 'degraded', backlog: 3, poison: 0, circuit: 'open' });
    const families = parseExposition(await (await fetch(`${url}/metrics`)).text());
    expect(sampleOf(families, 'hubspot_outbox_pending_records', { object: 'contacts' })).toBe(3);
    expect(sampleOf(families, 'hubspot_outbox_circuit_state', { state: 'open' })).toBe(1);
    expect(sampleOf(families, 'hubspot_outbox_build_info', { version: '1.2.3' })).toBe(1);
  });

  it('tells people by the webhook', async () => {
    const taken = await startReceiver();
    receiver = taken;
    await start(() => workerFacts({ pauses: [pause('contacts', 'READ_ONLY_VALUE')] }), { webhookUrl: taken.url });
    await until(() => taken.received.length > 0);
    expect(taken.received[0]?.text).toMatch(/\ncontacts is paused: READ_ONLY_VALUE$/m);
  });

  it('serves nobody once it is closed', async () => {
    const url = await start(() => workerFacts());
    await monitoring?.close();
    monitoring = undefined;
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
  });
});
