import type { Db } from '../database/connect.ts';
import { Alerts } from '../health/alerts.ts';
import { defaultAlertRules } from '../health/decideAlert.ts';
import type { WorkerFacts } from '../health/facts.ts';
import { createHealth } from '../health/health.ts';
import type { Thresholds } from '../health/judge.ts';
import type { Metrics } from '../health/metrics.ts';
import { createOutboxReader } from '../health/outboxReader.ts';
import { createReadiness } from '../health/readiness.ts';
import type { Log } from '../log.ts';
import { startHttp } from './server.ts';

export type MonitoringOptions = {
  /** Best a small pool of its own: a busy worker leaves no connection of its own free for long. */
  db: Db;
  /** The names in the mapping. */
  objects: readonly string[];
  /** From memory: neither waits nor throws. */
  facts: () => WorkerFacts;
  metrics: Metrics;
  http: { host: string; port: number };
  /** Null: nobody is told. */
  alerts: { webhookUrl: string; poisonThreshold?: number } | null;
  log: Log;
  thresholds?: Thresholds;
};

export type Monitoring = { url: string; port: number; close(): Promise<void> };

const OBSERVE_EVERY_MS = 5_000;

/**
 * Shows how the worker is, by HTTP and by webhook, until it is closed. Nothing here ever disturbs the worker.
 * @throws ConfigurationError when it cannot listen
 */
export async function startMonitoring(options: MonitoringOptions): Promise<Monitoring> {
  const { db, objects, facts, metrics, http, log, thresholds } = options;
  const outbox = createOutboxReader(db, objects);
  const health = createHealth({ facts, outbox, log, ...(thresholds === undefined ? {} : { thresholds }) });
  const server = await startHttp({
    ...http,
    health,
    isReady: createReadiness(db),
    metrics: async () => {
      metrics.collect(await health());
      return metrics.text();
    },
    log,
  });
  log.info({ url: server.url }, 'listening');
  const stopAlerts = startAlerts(options, health);
  return {
    url: server.url,
    port: server.port,
    close: async () => {
      await Promise.all([stopAlerts(), server.close()]);
    },
  };
}

function startAlerts(
  { alerts: wanted, log }: MonitoringOptions,
  health: ReturnType<typeof createHealth>,
): () => Promise<void> {
  if (wanted === null) return async () => {};
  const { webhookUrl, poisonThreshold = defaultAlertRules.poisonThreshold } = wanted;
  const alerts = new Alerts({ webhookUrl, log, rules: { ...defaultAlertRules, poisonThreshold } });
  const observe = () =>
    health()
      .then((report) => alerts.observe(report))
      .catch((error: Error) => log.error({ reason: error.name }, 'health cannot be told'));
  const timer = setInterval(() => void observe(), OBSERVE_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await alerts.close();
  };
}
