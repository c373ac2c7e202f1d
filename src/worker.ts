import { setTimeout as delay } from 'node:timers/promises';
import { type Batch, runBatch } from './batch/runBatch.ts';
import { loadWatches } from './capture/registry.ts';
import type { Environment } from './config/environment.ts';
import { requireToken } from './config/environment.ts';
import type { Mapping } from './config/mapping.ts';
import { addCounts, didSomething, noCounts, type PassCounts } from './counts.ts';
import type { Db } from './database/connect.ts';
import { type DefinitionSource, learnDefinitions } from './definitions.ts';
import { Gate } from './gate.ts';
import { createHubspot, type Hubspot } from './hubspot/client.ts';
import type { Stop } from './hubspot/deliver.ts';
import { Pace } from './hubspot/pace.ts';
import type { Log } from './log.ts';
import { type PreparedObject, prepareObjects } from './objects.ts';
import { claim } from './outbox/claim.ts';
import { nextDueInMs } from './outbox/due.ts';
import { Fold, type ResolvableWatch } from './outbox/fold.ts';
import { rememberObjects, storePause } from './outbox/objects.ts';
import { newWorkerId, reportAlive, reportStopped } from './outbox/workers.ts';
import { runPass, type Stages } from './sync.ts';
import { version } from './version.ts';

/** How long what is in flight may take once the worker is told to stop. */
const STOP_WITHIN_MS = 25_000;
const ALIVE_EVERY_MS = 10_000;
const FOLD_EVERY_MS = 200;
const WATCHES_EVERY_MS = 5_000;
const DEFINITIONS_EVERY_MS = 600_000;

/**
 * One process that keeps HubSpot equal to the source. States: prepared → passing (a pass at a time) → stopping (no new
 * claims, what is in flight ends) → stopped. Nothing is held in memory but the batches in flight: whatever happens to
 * the process, the outbox knows what is left.
 */
export class Worker {
  readonly id = newWorkerId();
  readonly #db: Db;
  readonly #mapping: Mapping;
  readonly #log: Log;
  readonly #gate: Gate;
  readonly #pace: Pace;
  readonly #hubspot: Hubspot;
  readonly #fold: Fold;
  readonly #stopping = new AbortController();
  readonly #deadline = new AbortController();
  #objects: PreparedObject[] = [];
  #watches: { byId: Map<number, ResolvableWatch>; at: number } = { byId: new Map(), at: 0 };
  #folded = { at: Number.NEGATIVE_INFINITY, more: false };
  #turn = 0;
  #faults = 0;
  #definitions: { source: DefinitionSource; at: number } = { source: 'none', at: 0 };
  #claiming: Promise<unknown> = Promise.resolve();

  constructor({ db, mapping, environment, log }: { db: Db; mapping: Mapping; environment: Environment; log: Log }) {
    const { callsPer10s, requestTimeoutMs } = mapping.settings;
    this.#db = db;
    this.#mapping = mapping;
    this.#log = log.child({ worker: this.id });
    this.#gate = new Gate(this.#log);
    this.#pace = new Pace(callsPer10s);
    this.#fold = new Fold(db);
    this.#hubspot = createHubspot({
      token: requireToken(environment),
      baseUrl: environment.hubspotBaseUrl,
      timeoutMs: requestTimeoutMs,
      pace: this.#pace,
    });
  }

  /** @throws ConfigurationError when the mapping fits neither the database nor HubSpot */
  async prepare(): Promise<void> {
    this.#objects = await prepareObjects(this.#db, this.#mapping);
    await rememberObjects(
      this.#db,
      this.#objects.map(({ mapping }) => mapping.name),
    );
    await this.#learnDefinitions();
    await reportAlive(this.#db, this.id, version());
    this.#log.info(
      { version: version(), objects: this.#objects.length, definitions: this.#definitions.source },
      'started',
    );
  }

  /** Passes by the schedule of the mapping until it is told to stop. */
  async run(): Promise<void> {
    const { schedule } = await import('node-cron');
    const alive = setInterval(() => void this.#reportAlive(), ALIVE_EVERY_MS);
    let passing: Promise<unknown> = Promise.resolve();
    let isPassing = false;
    const task = schedule(this.#mapping.settings.schedule, () => {
      if (isPassing || this.#stopping.signal.aborted) return;
      isPassing = true;
      passing = this.pass()
        .catch((error: unknown) => this.#log.error({ reason: describe(error) }, 'pass failed'))
        .finally(() => {
          isPassing = false;
        });
    });
    await new Promise((stopped) => this.#stopping.signal.addEventListener('abort', stopped, { once: true }));
    await task.destroy();
    await passing;
    clearInterval(alive);
    await reportStopped(this.#db, this.id).catch(() => {});
    this.#log.info('stopped');
  }

  /** Passes until nothing is due, also what becomes due within seconds; returns what was done. */
  async drain(): Promise<PassCounts> {
    const total = noCounts();
    while (!this.#stopping.signal.aborted) {
      const counts = await this.pass();
      addCounts(total, counts);
      if (didSomething(counts)) continue;
      const waitMs = this.#gate.paused().size > 0 ? null : await nextDueInMs(this.#db);
      if (waitMs === null || waitMs > 10_000) break;
      await delay(Math.max(50, waitMs));
    }
    await reportStopped(this.#db, this.id);
    return total;
  }

  /** No new claims; what is in flight has a while to end. May be called twice. */
  stop(): void {
    if (this.#stopping.signal.aborted) return;
    this.#log.info('stopping');
    this.#stopping.abort();
    setTimeout(() => this.#deadline.abort(), STOP_WITHIN_MS).unref();
  }

  /** What is paused now, and why. */
  get paused() {
    return this.#gate.paused();
  }

  async pass(): Promise<PassCounts> {
    const begun = performance.now();
    await this.#refreshDefinitions();
    const counts = await runPass(this.#stages(), this.#stopping.signal);
    if (didSomething(counts)) this.#log.info({ ...counts, ms: Math.round(performance.now() - begun) }, 'pass');
    return counts;
  }

  #stages(): Stages {
    return {
      fold: () => this.#foldMarks(),
      claim: () => this.#claimNext(),
      deliver: (batch) => this.#deliver(batch),
      concurrency: this.#mapping.settings.concurrency,
    };
  }

  async #foldMarks(): Promise<{ marks: number; more: boolean }> {
    const now = performance.now();
    if (now - this.#folded.at < FOLD_EVERY_MS && !this.#folded.more) return { marks: 0, more: false };
    const folded = await this.#fold.run(await this.#currentWatches());
    this.#folded = { at: performance.now(), more: folded.more };
    for (const broken of folded.broken)
      this.#log.warn({ watch: broken.watch, reason: broken.message }, 'marks cannot be followed');
    return { marks: folded.marks, more: folded.more };
  }

  /** Triggers may be applied while a worker runs: what new watches mean is read again now and then. */
  async #currentWatches(): Promise<Map<number, ResolvableWatch>> {
    if (performance.now() - this.#watches.at > WATCHES_EVERY_MS || this.#watches.byId.size === 0) {
      this.#watches = { byId: await loadWatches(this.#db), at: performance.now() };
    }
    return this.#watches.byId;
  }

  /** One claim at a time: slots that ask at once would find the same rows. */
  #claimNext(): Promise<Batch | null> {
    const claimed = this.#claiming.then(() => this.#claim());
    this.#claiming = claimed.catch(() => {});
    return claimed;
  }

  /** Objects take turns; and each second turn asks for what has waited longest, so that nothing starves. */
  async #claim(): Promise<Batch | null> {
    const { batchSize: limit, leaseMs } = this.#mapping.settings;
    for (const _ of this.#objects) {
      const turn = this.#turn++;
      const object = this.#objects[turn % this.#objects.length];
      if (object === undefined || this.#stopping.signal.aborted) return null;
      if (!this.#gate.isOpen(object.mapping.name)) continue;
      const order = Math.floor(turn / this.#objects.length) % 2 === 0 ? 'fresh' : 'oldest';
      const claimed = await claim(this.#db, object.mapping.name, { workerId: this.id, limit, leaseMs, order });
      if (claimed.rows.length > 0) return { object, claim: claimed, isFull: claimed.rows.length === limit };
    }
    return null;
  }

  async #deliver(batch: Batch): Promise<Partial<PassCounts>> {
    const { name } = batch.object.mapping;
    try {
      const tools = { db: this.#db, hubspot: this.#hubspot, leaseMs: this.#mapping.settings.leaseMs };
      const { counts, stop, wasAnswered } = await runBatch(tools, batch, this.#deadline.signal);
      if (stop !== null) await this.#heed(name, stop);
      else if (wasAnswered) await this.#answered(name);
      return counts;
    } catch (error) {
      // The lease ends by itself, and the rows are due again.
      this.#log.error({ object: name, rows: batch.claim.rows.length, reason: describe(error) }, 'batch failed');
      this.#gate.pause(name, { scope: 'object', code: 'BATCH_FAILED', reason: describe(error), delayMs: 2_000 });
      return { later: batch.claim.rows.length };
    }
  }

  /** HubSpot, the token or the mapping stands in the way of everything: wait for as long as it asks. */
  async #heed(object: string, stop: Stop): Promise<void> {
    switch (stop.kind) {
      case 'mapping':
        return this.#pause(object, { scope: 'object', code: stop.code, reason: stop.reason });
      case 'account':
        return this.#pause(object, { scope: 'worker', code: stop.code, reason: stop.reason });
      case 'wait':
        this.#pace.pause(Math.min(stop.delayMs, 60_000));
        if (stop.delayMs <= 60_000) return;
        return this.#pause(object, {
          scope: 'worker',
          code: stop.code,
          reason: 'HubSpot asks to wait',
          delayMs: stop.delayMs,
        });
      case 'fault': {
        this.#faults += 1;
        const delayMs = Math.random() * Math.min(60_000, 500 * 2 ** Math.min(this.#faults, 7));
        return this.#pause(object, {
          scope: 'worker',
          code: stop.code,
          reason: 'HubSpot does not answer as it should',
          delayMs,
        });
      }
    }
  }

  async #pause(object: string, pause: Parameters<Gate['pause']>[1]): Promise<void> {
    if (this.#gate.pause(object, pause)) await storePause(this.#db, object, pause);
  }

  async #answered(object: string): Promise<void> {
    this.#faults = 0;
    if (this.#gate.open(object)) await storePause(this.#db, object, null);
  }

  async #learnDefinitions(): Promise<void> {
    const source = await learnDefinitions(
      this.#db,
      this.#hubspot,
      this.#objects,
      this.#mapping.file,
      this.#deadline.signal,
    );
    this.#definitions = { source, at: performance.now() };
  }

  /** Properties change in HubSpot while we run; what no longer fits pauses, and is looked at again. */
  async #refreshDefinitions(): Promise<void> {
    const isStale =
      performance.now() - this.#definitions.at > (this.#definitions.source === 'live' ? DEFINITIONS_EVERY_MS : 30_000);
    const isLooking = this.#objects.some(({ mapping }) => this.#gate.isLooking(mapping.name));
    if (!isStale && !isLooking) return;
    try {
      await this.#learnDefinitions();
    } catch (error) {
      this.#definitions.at = performance.now();
      for (const { mapping } of this.#objects) {
        await this.#pause(mapping.name, { scope: 'object', code: 'MAPPING_HUBSPOT', reason: describe(error) });
      }
    }
  }

  async #reportAlive(): Promise<void> {
    await reportAlive(this.#db, this.id, version()).catch((error: unknown) =>
      this.#log.warn({ reason: describe(error) }, 'database not reached'),
    );
  }
}

/** A driver's message may quote the statement with its values: only its code is told. */
function describe(error: unknown): string {
  const { code, errno, message } = error as { code?: string; errno?: number; message?: string };
  if (errno !== undefined) return `${code ?? 'database error'} (${errno})`;
  return code === undefined ? String(message ?? error) : `${code}: ${message}`;
}
