import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { OutboxFacts, WorkerFacts } from './facts.ts';
import { defaultThresholds, type Health, judgeHealth, type Thresholds } from './judge.ts';
import type { OutboxReader } from './outboxReader.ts';

/** How a worker is at a moment, and what that was judged by. */
export type Report = {
  health: Health;
  facts: WorkerFacts;
  /** Null when the outbox could not be read. */
  outbox: OutboxFacts | null;
};

export type HealthOptions = {
  facts: () => WorkerFacts;
  outbox: OutboxReader;
  log: Log;
  thresholds?: Thresholds;
  /** How long whoever asks waits for the database. */
  limitMs?: number;
  /** A reading that is late is stood in for by the last one, while that is younger. */
  staleMs?: number;
};

/** Tells how the worker is, within `limitMs` whatever the database does. Never throws. */
export function createHealth({
  facts,
  outbox,
  log,
  thresholds = defaultThresholds,
  limitMs = 2_000,
  staleMs = 30_000,
}: HealthOptions): () => Promise<Report> {
  let last: { facts: OutboxFacts; at: number } | null = null;
  let isRead = true;

  function note(reason: string | null): void {
    if (isRead === (reason === null)) return;
    isRead = reason === null;
    if (reason === null) log.info('outbox is read again');
    else log.warn({ reason }, 'outbox cannot be read');
  }

  async function readInTime(): Promise<OutboxFacts | null> {
    const timer = new AbortController();
    try {
      const late = delay(limitMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const);
      const read = await Promise.race([outbox(), late]);
      if (read !== 'late') {
        last = { facts: read, at: performance.now() };
        note(null);
        return read;
      }
      if (last !== null && performance.now() - last.at < staleMs) return last.facts;
      note(`no answer within ${limitMs} ms`);
      return null;
    } catch (error) {
      note((error as { code?: string }).code ?? (error as Error).name);
      return null;
    } finally {
      timer.abort();
    }
  }

  return async () => {
    const read = await readInTime();
    const known = facts();
    return { health: judgeHealth(known, read, thresholds, Date.now()), facts: known, outbox: read };
  };
}
