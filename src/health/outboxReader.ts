import type { Db } from '../database/connect.ts';
import type { OutboxFacts } from './facts.ts';
import { readOutbox } from './readOutbox.ts';

export type OutboxReader = () => Promise<OutboxFacts>;

const KEEP_MS = 5_000;
/** Reading may take this part of the time at most: what took a second is good for twenty. */
const PART = 20;
const RECORDS_KEEP_MS = 60_000;

/**
 * Reads the outbox for whoever asks, however often: one reading at a time, and what was read is good for a while.
 * So a database in trouble is not asked more because people look at it.
 */
export function createOutboxReader(db: Db, objects: readonly string[], { keepMs = KEEP_MS } = {}): OutboxReader {
  let reading: Promise<OutboxFacts> | null = null;
  let kept: { facts: OutboxFacts; until: number } | null = null;
  let records = { counts: new Map<string, number>(), until: 0 };

  async function read(): Promise<OutboxFacts> {
    const began = performance.now();
    const isFresh = began < records.until;
    const facts = await readOutbox(db, objects, isFresh ? records.counts : new Map());
    const now = performance.now();
    if (!isFresh) records = { counts: countsOf(facts), until: now + RECORDS_KEEP_MS };
    kept = { facts, until: now + Math.max(keepMs, (now - began) * PART) };
    return facts;
  }

  return () => {
    if (kept !== null && performance.now() < kept.until) return Promise.resolve(kept.facts);
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  };
}

function countsOf({ objects }: OutboxFacts): Map<string, number> {
  return new Map(objects.map(({ object, records }) => [object, records]));
}
