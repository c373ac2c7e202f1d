import { setTimeout as delay } from 'node:timers/promises';
import { Account } from './account.ts';
import { Availability } from './availability.ts';
import { Guard } from './batch/guard.ts';
import { type Batch, type BatchTools, runBatch } from './batch/runBatch.ts';
import { CallBudget } from './budget.ts';
import { readApplied } from './capture/applied.ts';
import { refuseOtherRecords } from './capture/backfills.ts';
import { findUnapplied, UNAPPLIED_REMEDY, type Unapplied, unappliedOf } from './capture/unapplied.ts';
import { Claiming } from './claiming.ts';
import { type Environment, requireToken } from './config/environment.ts';
import type { Mapping } from './config/mapping.ts';
import { addCounts, didSomething, noCounts, type PassCounts, settledSomething } from './counts.ts';
import type { Db } from './database/connect.ts';
import { describe } from './database/refusals.ts';
import { refuseMisfits } from './definitions.ts';
import { Folding } from './folding.ts';
import { Gate } from './gate.ts';
import type { WorkerFacts } from './health/facts.ts';
import type { Metrics } from './health/metrics.ts';
import { Breaker } from './hubspot/breaker.ts';
import { createHubspot, type Hubspot } from './hubspot/client.ts';
import { Crashes } from './hubspot/crashes.ts';
import { Latency } from './hubspot/latency.ts';
import { Pace } from './hubspot/pace.ts';
import type { Log } from './log.ts';
import { type PreparedObject, prepareObjects } from './objects.ts';
import { wakeDoubtful } from './outbox/doubt.ts';
import { nextDueInMs } from './outbox/due.ts';
import { rememberObjects } from './outbox/objects.ts';
import { newWorkerId, reportAlive, reportStopped } from './outbox/workers.ts';
import { Pauses } from './pauses.ts';
import { QueryChecks } from './queryChecks.ts';
import type { SharedState } from './shared/joinRedis.ts';
import { QUERY_FAILED } from './source/queryFailed.ts';
import { runPass, type Stages } from './sync.ts';
import { Traffic } from './traffic.ts';
import { version } from './version.ts';

const ALIVE_EVERY_MS = 10_000;
const UPKEEP_EVERY_MS = 1_000;
/** A row in doubt has waited for minutes. */
const DOUBTFUL_EVERY_MS = 5_000;
const FRUITLESS_MS = 60_000;

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
  readonly #availability: Availability;
  readonly #breaker = new Breaker();
  readonly #budget: CallBudget;
  readonly #traffic: Traffic;
  readonly #hubspot: Hubspot;
  readonly #latency = new Latency();
  readonly #guard: Guard;
  readonly #crashes = new Crashes();
  readonly #folding: Folding;
  readonly #claiming: Claiming;
  readonly #pauses: Pauses;
  readonly #queryChecks: QueryChecks;
  readonly #stopping = new AbortController();
  readonly #deadline = new AbortController();
  readonly #startedAt = Date.now();
  readonly #version = version();
  #objects: PreparedObject[] = [];
  #unapplied: Unapplied[] = [];
  #account: Account | null = null;
  #upkeptAt = 0;
  #doubtfulAt = 0;
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
    this.#folding = new Folding(db, this.#log);
    const objects = mapping.objects.map(({ name }) => name);
    this.#availability = new Availability(db, this.#log, objects);
    this.#pauses = new Pauses(db, this.#gate, objects);
    this.#queryChecks = new QueryChecks({
      db,
      gate: this.#gate,
      pauses: this.#pauses,
      everyMs: mapping.settings.lookAgainMs,
      onError: (error) => this.#availability.failed(error),
    });
    const token = requireToken(environment);
    const pace = new Pace(callsPer10s);
    const breaker = this.#breaker;
    breaker.onChange((state) => this.#log.warn({ circuit: state }, 'circuit changed'));
    this.#traffic = new Traffic({ gate: this.#gate, breaker, pace, budget: this.#budget, concurrency });
    const { id: workerId } = this;
    this.#claiming = new Claiming({
      db,
      workerId,
      settings: mapping.settings,
      traffic: this.#traffic,
      folding: this.#folding,
    });
    this.#hubspot = createHubspot({
      token,
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
    const sharing = { token, callsPer10s, pace, breaker, workers: () => this.#workers, log: this.#log };
    // Loaded only where it is wanted: it takes longer than all else of a start.
    this.#join = async () =>
      url === undefined ? null : (await import('./shared/joinRedis.ts')).joinRedis({ url, ...sharing });
  }

  /** @throws ConfigurationError when the mapping fits neither the database nor HubSpot */
  async prepare(): Promise<void> {
    this.#objects = await prepareObjects(this.#db, this.#mapping);
    // Rows would be updated by ids that are those of other records.
    const now = this.#objects.map(({ mapping: { name }, applied }) => ({ object: name, applied }));
    const remembered = await readApplied(this.#db);
    await refuseOtherRecords(this.#db, this.#mapping.file, now, remembered);
    const account = new Account({
      db: this.#db,
      hubspot: this.#hubspot,
      budget: this.#budget,
      objects: this.#objects,
      signal: this.#deadline.signal,
    });
    refuseMisfits(this.#mapping.file, await account.learn());
    this.#account = account;
    await rememberObjects(
      this.#db,
      this.#objects.map(({ mapping }) => mapping.name),
    );
    await this.#pauses.begin();
    await this.#budget.flush();
    this.#workers = await reportAlive(this.#db, this.id, this.#version);
    this.#shared = await this.#join();
    this.#unapplied = unappliedOf(this.#objects, remembered);
    for (const { object, reason } of this.#unapplied)
      this.#log.warn({ object, reason, remedy: UNAPPLIED_REMEDY }, 'triggers are not applied');
    this.#log.info({ version: this.#version, objects: this.#objects.length, definitions: account.source }, 'started');
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
        .catch((error: unknown) => this.#availability.failed(error))
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
    let settledAt = performance.now();
    // A HubSpot that is away is not waited for: whoever started this wants to know.
    while (!this.#stopping.signal.aborted && performance.now() - settledAt < FRUITLESS_MS) {
      const counts = await this.pass();
      addCounts(total, counts);
      if (settledSomething(counts)) settledAt = performance.now();
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
    await this.#queryChecks.idle();
    await this.#shared?.close();
    this.#breaker.shutdown();
    await this.#budget.flush({ isLast: true }).catch(() => {});
    await reportStopped(this.#db, this.id).catch(() => {});
    if (this.#account !== null) this.#log.info('stopped');
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
      definitions: this.#account?.source ?? 'none',
      callsToday: this.#budget.callsToday,
      callsPerDay: this.#budget.callsPerDay,
      dailyLimitReached: paused.some(([, { code }]) => code === 'DAILY' || code === 'CALLS_PER_DAY'),
      apiLatencyMs: this.#latency.meanMs,
      redis: this.#shared?.state ?? 'off',
      lastPassEndedAt: this.#lastPassEndedAt,
      isStopping: this.#stopping.signal.aborted,
      database: this.#availability.isDown ? 'down' : 'up',
      unfollowedWatches: this.#folding.brokenCount,
      unapplied: this.#unapplied,
    };
  }

  async pass(): Promise<PassCounts> {
    const begun = performance.now();
    await this.#refreshDefinitions();
    const counts = await runPass(this.#stages(), this.#stopping.signal);
    const ms = Math.round(performance.now() - begun);
    this.#metrics?.onPass(counts, ms);
    this.#lastPassEndedAt = Date.now();
    if (didSomething(counts)) this.#log.info({ ...counts, ms }, 'pass');
    return counts;
  }

  #stages(): Stages {
    return {
      fold: () => this.#foldMarks(),
      claim: () => this.#claiming.next(this.#objects, this.#stopping.signal),
      deliver: (batch) => this.#deliver(batch),
      concurrency: this.#mapping.settings.concurrency,
    };
  }

  async #foldMarks(): Promise<{ marks: number; more: boolean }> {
    // Both end before a failure of either is told: a pass that is over leaves no fold under way.
    const [folded, kept] = await Promise.allSettled([this.#folding.run(), this.#upkeep(performance.now())]);
    if (kept.status === 'rejected') throw kept.reason;
    if (folded.status === 'rejected') throw folded.reason;
    // Not only when the pass is over: what waited meanwhile may take it hours.
    await this.#availability.answered();
    return folded.value;
  }

  /** What is worth a look every second, also in the middle of a long drain. */
  async #upkeep(now: number): Promise<void> {
    if (now - this.#upkeptAt < UPKEEP_EVERY_MS) return;
    this.#upkeptAt = now;
    await this.#budget.flush();
    const spent = this.#traffic.budgetPause();
    if (spent !== null) await this.#pauses.pause('*', spent);
    await this.#pauses.show();
    this.#queryChecks.startIfDue(this.#objects, now);
    if (now >= this.#doubtfulAt) this.#doubtfulAt = (await wakeDoubtful(this.#db)) ? now : now + DOUBTFUL_EVERY_MS;
    for (const { object, code } of await this.#pauses.noticeResumes())
      if (code === 'TOO_MANY_REFUSED') this.#guard.resume(object, Date.now());
  }

  async #deliver(batch: Batch): Promise<Partial<PassCounts>> {
    const { name } = batch.object.mapping;
    this.#traffic.started(name);
    try {
      const result = await runBatch(this.#tools(), batch, this.#deadline.signal);
      const { pause, isAnswered } = this.#traffic.heed(result);
      if (pause?.code === QUERY_FAILED) await this.#queryChecks.pause(name, pause);
      else if (pause !== null) await this.#pauses.pause(name, pause);
      // What paused for its query is mended when that could be run, whether or not there was something to send.
      else if (isAnswered || this.#queryChecks.isPaused(name)) await this.#pauses.end(name);
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

  /** Properties change in HubSpot while we run; what no longer fits pauses, and is looked at again. */
  async #refreshDefinitions(): Promise<void> {
    const isLooking = this.#objects.some(({ mapping }) => this.#gate.isLooking(mapping.name));
    // Where nothing can be converted yet, no batch tries whether HubSpot is back.
    const isProbe =
      this.#breaker.state === 'half-open' && this.#objects.some(({ definitions }) => definitions === null);
    if (this.#account === null || (this.#breaker.state !== 'closed' && !isProbe)) return;
    const isWanted = isLooking && this.#account.isOlderThan(this.#mapping.settings.lookAgainMs);
    if (!isWanted && !this.#account.isStale) return;
    const { misfits } = await this.#account.learn();
    for (const [name, { kind, code, reason }] of misfits)
      await this.#pauses.pause(name, { scope: kind === 'account' ? 'worker' : 'object', code, reason });
  }

  async #reportAlive(): Promise<void> {
    try {
      this.#workers = await reportAlive(this.#db, this.id, this.#version);
      // They may be applied while we run.
      if (this.#unapplied.length > 0) this.#unapplied = await findUnapplied(this.#db, this.#objects);
    } catch (error) {
      this.#availability.failed(error);
    }
  }
}
