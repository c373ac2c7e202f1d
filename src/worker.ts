import { setTimeout as delay } from 'node:timers/promises';
import { Guard } from './batch/guard.ts';
import { type Batch, type BatchTools, runBatch } from './batch/runBatch.ts';
import { CallBudget } from './budget.ts';
import { loadWatches } from './capture/registry.ts';
import type { Environment } from './config/environment.ts';
import { requireToken } from './config/environment.ts';
import type { Mapping } from './config/mapping.ts';
import { addCounts, didSomething, noCounts, type PassCounts } from './counts.ts';
import type { Db } from './database/connect.ts';
import { isUnavailable } from './database/unavailable.ts';
import { type DefinitionSource, learnDefinitions, refuseMisfits } from './definitions.ts';
import { Gate, type Pause } from './gate.ts';
import type { WorkerFacts } from './health/facts.ts';
import type { Metrics } from './health/metrics.ts';
import { Breaker } from './hubspot/breaker.ts';
import { createHubspot, type Hubspot } from './hubspot/client.ts';
import { Crashes } from './hubspot/crashes.ts';
import { Latency } from './hubspot/latency.ts';
import { Pace } from './hubspot/pace.ts';
import type { Log } from './log.ts';
import { type PreparedObject, prepareObjects } from './objects.ts';
import { claim } from './outbox/claim.ts';
import { wakeDoubtful } from './outbox/doubt.ts';
import { nextDueInMs } from './outbox/due.ts';
import { Fold, type ResolvableWatch } from './outbox/fold.ts';
import { readResumes, rememberObjects, storePause } from './outbox/objects.ts';
import { newWorkerId, reportAlive, reportStopped } from './outbox/workers.ts';
import type { SharedState } from './shared/joinRedis.ts';
import { runPass, type Stages } from './sync.ts';
import { Traffic } from './traffic.ts';
import { version } from './version.ts';

const ALIVE_EVERY_MS = 10_000;
const FOLD_EVERY_MS = 200;
const WATCHES_EVERY_MS = 5_000;
const UPKEEP_EVERY_MS = 1_000;
const DEFINITIONS_EVERY_MS = 600_000;
const DEFINITIONS_RETRY_MS = 30_000;

export type WorkerParts = {
  db: Db;
  mapping: Mapping;
  environment: Environment;
  log: Log;
  /** Null where nobody looks. */
  metrics: Metrics | null;
};

/**
 * One process that keeps HubSpot equal to the source. States: prepared → passing (a pass at a time) → stopping (no new
 * claims, what is in flight ends) → stopped. Nothing is held in memory but the batches in flight: whatever happens to
 * the process, the outbox knows what is left.
 */
export class Worker {
  readonly id = newWorkerId();
  readonly #metrics: Metrics | null;
  readonly #db: Db;
  readonly #mapping: Mapping;
  readonly #log: Log;
  readonly #gate: Gate;
  readonly #breaker = new Breaker();
  readonly #budget: CallBudget;
  readonly #traffic: Traffic;
  readonly #hubspot: Hubspot;
  readonly #latency = new Latency();
  readonly #guard: Guard;
  readonly #crashes = new Crashes();
  readonly #fold: Fold;
  readonly #stopping = new AbortController();
  readonly #deadline = new AbortController();
  readonly #startedAt = Date.now();
  readonly #version = version();
  #objects: PreparedObject[] = [];
  #watches: { byId: Map<number, ResolvableWatch>; at: number } = { byId: new Map(), at: 0 };
  #folded = { at: Number.NEGATIVE_INFINITY, more: false, broken: new Set<number>() };
  #turn = 0;
  #definitions: { source: DefinitionSource; at: number } = { source: 'none', at: 0 };
  #resumes = new Map<string, string | null>();
  #upkeptAt = 0;
  #knowsZone = false;
  #isDatabaseDown = false;
  #lastPassEndedAt: number | null = null;
  #workers = 1;
  readonly #join: () => Promise<SharedState | null>;
  #shared: SharedState | null = null;

  constructor({ db, mapping, environment, log, metrics }: WorkerParts) {
    const { callsPer10s, callsPerDay, requestTimeoutMs, concurrency, guardRecords, guardPercent } = mapping.settings;
    this.#db = db;
    this.#mapping = mapping;
    this.#log = log.child({ worker: this.id });
    this.#metrics = metrics;
    this.#gate = new Gate(this.#log, mapping.settings.lookAgainMs);
    this.#budget = new CallBudget(db, callsPerDay);
    this.#guard = new Guard({ records: guardRecords, percent: guardPercent });
    this.#fold = new Fold(db);
    const pace = new Pace(callsPer10s);
    const breaker = this.#breaker;
    breaker.onChange((state) => this.#log.warn({ circuit: state }, 'circuit changed'));
    this.#traffic = new Traffic({ gate: this.#gate, breaker, pace, budget: this.#budget, concurrency });
    this.#hubspot = createHubspot({
      token: requireToken(environment),
      baseUrl: environment.hubspotBaseUrl,
      timeoutMs: requestTimeoutMs,
      pace,
      breaker,
      onAnswer: (operation, answer) => {
        this.#budget.count();
        // A call that reached nobody, or was cut, is no quick answer.
        if (answer.failure === undefined || answer.failure === 'timeout') this.#latency.note(answer.latencyMs);
        this.#metrics?.onAnswer(operation, answer);
      },
    });
    const { redisUrl: url } = environment;
    const token = requireToken(environment);
    const sharing = { token, callsPer10s, pace, breaker, workers: () => this.#workers, log: this.#log };
    // Loaded only where it is wanted: it takes longer than all else of a start.
    this.#join = async () =>
      url === undefined ? null : (await import('./shared/joinRedis.ts')).joinRedis({ url, ...sharing });
  }

  /** @throws ConfigurationError when the mapping fits neither the database nor HubSpot */
  async prepare(): Promise<void> {
    this.#objects = await prepareObjects(this.#db, this.#mapping);
    const names = this.#objects.map(({ mapping }) => mapping.name);
    await rememberObjects(this.#db, names);
    await this.#learnZone();
    refuseMisfits(this.#mapping.file, await this.#learnDefinitions());
    for (const name of names) await storePause(this.#db, name, null);
    this.#resumes = await readResumes(this.#db);
    await this.#budget.flush();
    this.#workers = await reportAlive(this.#db, this.id, this.#version);
    this.#shared = await this.#join();
    this.#log.info(
      { version: this.#version, objects: this.#objects.length, definitions: this.#definitions.source },
      'started',
    );
  }

  /** Passes by the schedule of the mapping until it is told to stop. */
  async run(): Promise<void> {
    const { schedule } = await import('node-cron');
    const alive = setInterval(() => void this.#reportAlive(), ALIVE_EVERY_MS);
    let passing: Promise<unknown> = Promise.resolve();
    let isPassing = false;
    const start = () => {
      if (isPassing || this.#stopping.signal.aborted) return;
      isPassing = true;
      passing = this.pass()
        .catch((error: unknown) => this.#passFailed(error))
        .finally(() => {
          isPassing = false;
        });
    };
    // A moment that was missed needs no word: the next pass does what it would have done.
    const task = schedule(this.#mapping.settings.schedule, start, { suppressMissedWarning: true });
    if (!this.#stopping.signal.aborted)
      await new Promise((stopped) => this.#stopping.signal.addEventListener('abort', stopped, { once: true }));
    await task.destroy();
    await passing;
    clearInterval(alive);
  }

  /** Passes until nothing is due, also what becomes due within seconds; says what was done, and whether nothing is left. */
  async drain(): Promise<{ counts: PassCounts; isDrained: boolean }> {
    const total = noCounts();
    while (!this.#stopping.signal.aborted) {
      const counts = await this.pass();
      addCounts(total, counts);
      if (didSomething(counts)) continue;
      const waitMs = this.#gate.paused().size > 0 ? null : await nextDueInMs(this.#db);
      if (waitMs === null || waitMs > 10_000) break;
      await delay(Math.max(50, waitMs));
    }
    return { counts: total, isDrained: (await nextDueInMs(this.#db)) === null };
  }

  /** No new claims; what is in flight has a while to end. May be called twice. */
  stop(): void {
    if (this.#stopping.signal.aborted) return;
    this.#log.info('stopping');
    this.#stopping.abort();
    setTimeout(() => this.#deadline.abort(), this.#mapping.settings.stopWithinMs).unref();
  }

  /** Takes leave of everybody, whatever became of it. */
  async close(): Promise<void> {
    await this.#shared?.close();
    this.#breaker.shutdown();
    await this.#budget.flush({ isLast: true }).catch(() => {});
    await reportStopped(this.#db, this.id).catch(() => {});
    this.#log.info('stopped');
  }

  /** What is paused now, and why. */
  get paused() {
    return this.#gate.paused();
  }

  /** What the worker knows without asking anybody. */
  facts(): WorkerFacts {
    const paused = [...this.#gate.paused()];
    return {
      workerId: this.id,
      startedAt: this.#startedAt,
      circuit: this.#breaker.state,
      pauses: paused.map(([object, { code, reason, since }]) => ({ object, code, reason, since })),
      definitions: this.#definitions.source,
      callsToday: this.#budget.callsToday,
      callsPerDay: this.#budget.callsPerDay,
      dailyLimitReached: paused.some(([, { code }]) => code === 'DAILY' || code === 'CALLS_PER_DAY'),
      apiLatencyMs: this.#latency.meanMs,
      redis: this.#shared?.state ?? 'off',
      lastPassEndedAt: this.#lastPassEndedAt,
      isStopping: this.#stopping.signal.aborted,
      database: this.#isDatabaseDown ? 'down' : 'up',
      unfollowedWatches: this.#folded.broken.size,
    };
  }

  async pass(): Promise<PassCounts> {
    const begun = performance.now();
    await this.#refreshDefinitions();
    const counts = await runPass(this.#stages(), this.#stopping.signal);
    const ms = Math.round(performance.now() - begun);
    this.#metrics?.onPass(counts, ms);
    this.#lastPassEndedAt = Date.now();
    if (this.#isDatabaseDown) this.#log.info('database is back');
    this.#isDatabaseDown = false;
    if (didSomething(counts)) this.#log.info({ ...counts, ms }, 'pass');
    return counts;
  }

  #stages(): Stages {
    return {
      fold: () => this.#foldMarks(),
      claim: () => this.#claim(),
      deliver: (batch) => this.#deliver(batch),
      concurrency: this.#mapping.settings.concurrency,
    };
  }

  async #foldMarks(): Promise<{ marks: number; more: boolean }> {
    const now = performance.now();
    await this.#upkeep(now);
    if (now - this.#folded.at < FOLD_EVERY_MS && !this.#folded.more) return { marks: 0, more: false };
    const folded = await this.#fold.run(await this.#currentWatches());
    for (const { watch, message } of folded.broken)
      if (!this.#folded.broken.has(watch)) this.#log.warn({ watch, reason: message }, 'marks cannot be followed');
    this.#folded = {
      at: performance.now(),
      more: folded.more,
      broken: new Set(folded.broken.map(({ watch }) => watch)),
    };
    return { marks: folded.marks, more: folded.more };
  }

  /** What is worth a look every second, also in the middle of a long drain. */
  async #upkeep(now: number): Promise<void> {
    if (now - this.#upkeptAt < UPKEEP_EVERY_MS) return;
    this.#upkeptAt = now;
    await this.#budget.flush();
    const spent = this.#traffic.budgetPause();
    if (spent !== null) await this.#pause('*', spent);
    await wakeDoubtful(this.#db);
    if (this.#gate.paused().size > 0) await this.#noticeResumes();
  }

  async #noticeResumes(): Promise<void> {
    const resumes = await readResumes(this.#db);
    for (const [object, at] of resumes) {
      if (at === (this.#resumes.get(object) ?? null)) continue;
      if (this.#gate.paused().get(object)?.code === 'TOO_MANY_REFUSED') this.#guard.resume(object, Date.now());
      this.#gate.open(object);
    }
    this.#resumes = resumes;
  }

  /** Triggers may be applied while a worker runs: what new watches mean is read again now and then. */
  async #currentWatches(): Promise<Map<number, ResolvableWatch>> {
    if (performance.now() - this.#watches.at > WATCHES_EVERY_MS || this.#watches.byId.size === 0) {
      this.#watches = { byId: await loadWatches(this.#db), at: performance.now() };
    }
    return this.#watches.byId;
  }

  /** Objects take turns; and each second turn asks for what has waited longest, so that nothing starves. */
  async #claim(): Promise<Batch | null> {
    const { batchSize: limit, leaseMs, lateWriteMs } = this.#mapping.settings;
    for (const _ of this.#objects) {
      const turn = this.#turn++;
      const object = this.#objects[turn % this.#objects.length];
      if (object === undefined || this.#stopping.signal.aborted) return null;
      if (!this.#traffic.mayStart(object.mapping.name)) continue;
      const order = Math.floor(turn / this.#objects.length) % 2 === 0 ? 'fresh' : 'oldest';
      const options = { workerId: this.id, limit, leaseMs, lateWriteMs, order } as const;
      const claimed = await claim(this.#db, object.mapping.name, options);
      if (claimed.rows.length > 0) return { object, claim: claimed };
    }
    return null;
  }

  async #deliver(batch: Batch): Promise<Partial<PassCounts>> {
    const { name } = batch.object.mapping;
    this.#traffic.started(name);
    try {
      const result = await runBatch(this.#tools(), batch, this.#deadline.signal);
      const { pause, isAnswered } = this.#traffic.heed(result);
      if (pause !== null) await this.#pause(name, pause);
      else if (isAnswered) await this.#resume(name);
      this.#metrics?.onOutcomes(name, result.counts);
      return result.counts;
    } catch (error) {
      // The lease ends by itself, and the rows are due again.
      this.#log.error({ object: name, rows: batch.claim.rows.length, reason: describe(error) }, 'batch failed');
      this.#gate.pause(name, { scope: 'object', code: 'BATCH_FAILED', reason: describe(error), delayMs: 2_000 });
      const counts = { later: batch.claim.rows.length };
      this.#metrics?.onOutcomes(name, counts);
      return counts;
    } finally {
      this.#traffic.ended(name);
    }
  }

  #tools(): BatchTools {
    return {
      db: this.#db,
      hubspot: this.#hubspot,
      crashes: this.#crashes,
      guard: this.#guard,
      faultsInARow: () => this.#traffic.faultsInARow,
    };
  }

  /** A pause of everything is told of every object. */
  async #pause(object: string, pause: Pause): Promise<void> {
    if (!this.#gate.pause(object, pause)) return;
    // Only what is asked for from now on is about this pause.
    this.#resumes = await readResumes(this.#db);
    for (const { mapping } of this.#objects)
      if (pause.scope === 'worker' || mapping.name === object) await storePause(this.#db, mapping.name, pause);
  }

  async #resume(object: string): Promise<void> {
    const wasWorker = this.#gate.paused().has('*');
    if (!this.#gate.open(object)) return;
    for (const { mapping } of this.#objects)
      if (wasWorker || mapping.name === object) await storePause(this.#db, mapping.name, null);
  }

  /** HubSpot counts a day from midnight in the account's time zone. */
  async #learnZone(): Promise<void> {
    if (this.#knowsZone) return;
    const { status, body } = await this.#hubspot.account(this.#deadline.signal);
    const { timeZone } = (body ?? {}) as { timeZone?: unknown };
    if (status === 200 && typeof timeZone === 'string') this.#budget.useZone(timeZone);
    this.#knowsZone = status === 200;
  }

  async #learnDefinitions() {
    const learnt = await learnDefinitions(this.#db, this.#hubspot, this.#objects, this.#deadline.signal);
    this.#definitions = { source: learnt.source, at: performance.now() };
    return learnt;
  }

  /** Properties change in HubSpot while we run; what no longer fits pauses, and is looked at again. */
  async #refreshDefinitions(): Promise<void> {
    const everyMs = this.#definitions.source === 'live' ? DEFINITIONS_EVERY_MS : DEFINITIONS_RETRY_MS;
    const isStale = performance.now() - this.#definitions.at > everyMs;
    const isLooking = this.#objects.some(({ mapping }) => this.#gate.isLooking(mapping.name));
    if ((!isStale && !isLooking) || this.#breaker.state !== 'closed') return;
    const { misfits } = await this.#learnDefinitions();
    for (const [name, { kind, code, reason }] of misfits)
      await this.#pause(name, { scope: kind === 'account' ? 'worker' : 'object', code, reason });
    await this.#learnZone();
  }

  #passFailed(error: unknown): void {
    // Told once, not every second for as long as it lasts.
    if (!isUnavailable(error)) this.#log.error({ reason: describe(error) }, 'pass failed');
    else if (!this.#isDatabaseDown) this.#log.error({ reason: describe(error) }, 'database is away');
    this.#isDatabaseDown = isUnavailable(error);
  }

  async #reportAlive(): Promise<void> {
    try {
      this.#workers = await reportAlive(this.#db, this.id, this.#version);
    } catch (error) {
      this.#passFailed(error);
    }
  }
}

/** A driver's message may quote the statement with its values: only its code is told. */
function describe(error: unknown): string {
  const { code, errno, message, sql } = error as { code?: string; errno?: number; message?: string; sql?: string };
  if (errno !== undefined) return `${code ?? 'database error'} (${errno})`;
  return code ?? (sql === undefined ? String(message ?? error) : 'database error');
}
