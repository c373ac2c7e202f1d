import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COUNT_LIMIT, type ObjectFacts, type OutboxFacts, type WorkerFacts } from '../../src/health/facts.ts';
import { defaultThresholds, judgeHealth, rankOf } from '../../src/health/judge.ts';
import { NOW, outboxFacts, pause, workerFacts } from './someFacts.ts';

const judge = (worker: Partial<WorkerFacts> = {}, outbox: OutboxFacts | null = outboxFacts()) =>
  judgeHealth(workerFacts(worker), outbox, defaultThresholds, NOW);

type Row = [
  what: string,
  worker: Partial<WorkerFacts>,
  outbox: Partial<ObjectFacts>,
  status: string,
  code: string,
  says: RegExp,
];

const ROWS: Row[] = [
  ['an open breaker', { circuit: 'open' }, {}, 'degraded', 'BREAKER', /breaker is open/],
  ['a breaker that tries', { circuit: 'half-open' }, {}, 'degraded', 'BREAKER', /half open/],
  [
    'a paused object',
    { pauses: [pause('contacts')] },
    {},
    'degraded',
    'PAUSED',
    /^contacts is paused for 60 s: PROPERTY_DOESNT_EXIST$/,
  ],
  [
    'a paused worker',
    { pauses: [pause('*', 'FORBIDDEN')] },
    {},
    'degraded',
    'PAUSED',
    /^every object is paused .* FORBIDDEN$/,
  ],
  [
    'a change that waits ten minutes',
    {},
    { oldestPendingSeconds: 600 },
    'degraded',
    'OLD_BACKLOG',
    /contacts has waited 10 min; 12 pending, 3 marks/,
  ],
  ['a change that waits an hour', {}, { oldestPendingSeconds: 3_600 }, 'unhealthy', 'OLD_BACKLOG', /waited 60 min/],
  [
    'a tenth of the records being poison',
    {},
    { poison: 100 },
    'degraded',
    'POISON_SHARE',
    /^10 % of the records of contacts are poison, 100 rows in all$/,
  ],
  ['half of the records being poison', {}, { poison: 500 }, 'unhealthy', 'POISON_SHARE', /^50 % of the records/],
  [
    'a tenth of what was sent lately being poison',
    {},
    { sentLately: 180, poisonedLately: 20 },
    'degraded',
    'POISON_SHARE',
    /^10 % of what was sent lately of contacts/,
  ],
  [
    'all of what was sent lately being poison',
    {},
    { sentLately: 0, poisonedLately: 20 },
    'unhealthy',
    'POISON_SHARE',
    /^100 % of what was sent lately/,
  ],
  [
    'more poison than is counted',
    {},
    { poison: COUNT_LIMIT, records: COUNT_LIMIT },
    'degraded',
    'POISON_SHARE',
    /^100000 or more rows of contacts are poison$/,
  ],
  [
    'nine tenths of the calls of a day',
    { callsToday: 180_000 },
    {},
    'degraded',
    'QUOTA',
    /^180000 of 200000 calls of the day are made$/,
  ],
  [
    'all calls of a day',
    { callsToday: 200_000 },
    {},
    'unhealthy',
    'QUOTA',
    /spent \(200000 of 200000 calls\); 12 rows wait for the next day$/,
  ],
  [
    "HubSpot's own limit of a day",
    { dailyLimitReached: true, callsPerDay: null },
    {},
    'unhealthy',
    'QUOTA',
    /spent \(100 calls\); 12 rows wait/,
  ],
  ['a slow HubSpot', { apiLatencyMs: 5_000 }, {}, 'degraded', 'LATENCY', /^HubSpot takes 5000 ms$/],
  ['a Redis that is away', { redis: 'degraded' }, {}, 'degraded', 'REDIS', /Redis is away/],
  ['a database that is away', { database: 'down' }, {}, 'unhealthy', 'DATABASE_DOWN', /database does not answer/],
  ['no definitions', { definitions: 'none' }, {}, 'degraded', 'NO_DEFINITIONS', /property definitions/],
  [
    'triggers that are not those of the mapping',
    { unapplied: [{ object: 'contacts', reason: 'the query changed' }] },
    {},
    'degraded',
    'UNAPPLIED',
    /^the triggers of contacts are not those of the mapping/,
  ],
  ['marks that cannot be followed', { unfollowedWatches: 2 }, {}, 'degraded', 'UNFOLLOWED_MARKS', /marks of 2 watches/],
  ['a worker that stops', { isStopping: true }, {}, 'degraded', 'STOPPING', /stopping/],
];

describe('judgeHealth', () => {
  it('finds nothing wrong with a worker that is well', () => {
    expect(judge()).toEqual({ status: 'healthy', reasons: [], findings: [] });
  });

  it.each(ROWS)('says of %s why, and how bad it is', (_what, worker, outbox, status, code, says) => {
    const health = judge(worker, outboxFacts(outbox));
    expect(health.status).toBe(status);
    expect(health.findings.map((finding) => finding.code)).toEqual([code]);
    expect(health.reasons).toEqual([expect.stringMatching(says)]);
  });

  it('calls an outbox that cannot be read a database that is down', () => {
    expect(judge({}, null)).toMatchObject({ status: 'unhealthy', findings: [{ code: 'DATABASE_DOWN' }] });
  });

  it.each([
    ['599 seconds of waiting', {}, { oldestPendingSeconds: 599 }],
    ['nothing waiting', {}, { oldestPendingSeconds: null, pending: 0 }],
    ['few poisoned records among few', {}, { poison: 19, records: 19, poisonedLately: 19, sentLately: 0 }],
    ['a hundredth of the records being poison', {}, { poison: 10_000, records: COUNT_LIMIT }],
    ['calls without a budget', { callsPerDay: null, callsToday: 5_000_000 }, {}],
    ['no call yet', { apiLatencyMs: null, lastPassEndedAt: null }, {}],
    ['definitions that were kept', { definitions: 'cache' as const }, {}],
    ['a Redis that is shared', { redis: 'shared' as const }, {}],
  ])('is content with %s', (_what, worker, outbox) => {
    expect(judge(worker, outboxFacts(outbox)).reasons).toEqual([]);
  });

  it('names the worst first, and every object by itself', () => {
    const outbox = outboxFacts({ oldestPendingSeconds: 700 }, { object: 'orders', oldestPendingSeconds: 9_000 });
    const { status, findings } = judge({ redis: 'degraded' }, outbox);
    expect(status).toBe('unhealthy');
    expect(findings.map((each) => each.status)).toEqual(['unhealthy', 'degraded', 'degraded']);
    expect(findings[0]?.sentence).toMatch(/orders has waited 2 h/);
  });

  it('repeats neither the reason of a pause nor a code that is none', () => {
    const pauses = [pause('contacts', 'bob@example.com\u001b[31m', { reason: 'ann@example.com' })];
    expect(judge({ pauses }).reasons).toEqual(['contacts is paused for 60 s: OTHER']);
  });

  it('never finds a worker better because a fact is worse', () => {
    fc.assert(
      fc.property(anyState, anyWorsening, (state, worsen) => {
        const worse = worsen(state);
        const before = judgeHealth(state.worker, state.outbox, defaultThresholds, NOW);
        const after = judgeHealth(worse.worker, worse.outbox, defaultThresholds, NOW);
        expect(rankOf(after.status)).toBeGreaterThanOrEqual(rankOf(before.status));
      }),
      { seed: 3, numRuns: 5_000 },
    );
  });
});

type State = { worker: WorkerFacts; outbox: OutboxFacts | null };

const amount = fc.oneof(fc.nat(30), fc.nat(COUNT_LIMIT), fc.constant(COUNT_LIMIT));

const anyObject = fc
  .record({
    object: fc.constant('contacts'),
    marks: amount,
    pending: amount,
    oldestPendingSeconds: fc.option(fc.nat(8_000)),
    poison: amount,
    records: amount,
    sentLately: fc.nat(10_000),
    poisonedLately: fc.nat(10_000),
  })
  .map((facts) => ({ ...facts, records: Math.max(facts.records, facts.poison) }));

const anyWorker = fc
  .record({
    circuit: fc.constantFrom('closed' as const, 'half-open' as const, 'open' as const),
    pauses: fc.array(fc.constant(pause('contacts')), { maxLength: 2 }),
    definitions: fc.constantFrom('live' as const, 'cache' as const, 'none' as const),
    callsToday: fc.nat(300),
    callsPerDay: fc.option(fc.integer({ min: 1, max: 300 })),
    dailyLimitReached: fc.boolean(),
    apiLatencyMs: fc.option(fc.nat(10_000)),
    redis: fc.constantFrom('off' as const, 'shared' as const, 'degraded' as const),
    database: fc.constantFrom('up' as const, 'down' as const),
    unfollowedWatches: fc.nat(3),
    isStopping: fc.boolean(),
  })
  .map(workerFacts);

const anyState: fc.Arbitrary<State> = fc.record({
  worker: anyWorker,
  outbox: fc.option(fc.array(anyObject, { minLength: 1, maxLength: 2 }).map((objects) => outboxFacts(...objects))),
});

const inWorker =
  (change: (worker: WorkerFacts, by: number) => Partial<WorkerFacts>) => (by: number) => (state: State) => ({
    ...state,
    worker: { ...state.worker, ...change(state.worker, by) },
  });

const inObjects =
  (change: (object: ObjectFacts, by: number) => Partial<ObjectFacts>) => (by: number) => (state: State) =>
    state.outbox === null
      ? state
      : {
          ...state,
          outbox: { ...state.outbox, objects: state.outbox.objects.map((each) => ({ ...each, ...change(each, by) })) },
        };

const capped = (count: number) => Math.min(COUNT_LIMIT, count);

const anyWorsening = fc
  .tuple(
    fc.constantFrom(
      inWorker(({ circuit }) => ({ circuit: circuit === 'closed' ? 'half-open' : 'open' })),
      inWorker(({ pauses }) => ({ pauses: [...pauses, pause('orders')] })),
      inWorker(({ definitions }) => ({ definitions: definitions === 'live' ? 'cache' : 'none' })),
      inWorker(({ callsToday }, by) => ({ callsToday: callsToday + by })),
      inWorker(() => ({ dailyLimitReached: true })),
      inWorker(({ apiLatencyMs }, by) => ({ apiLatencyMs: (apiLatencyMs ?? 0) + by })),
      inWorker(() => ({ redis: 'degraded' })),
      inWorker(() => ({ database: 'down' })),
      inWorker(({ unfollowedWatches }, by) => ({ unfollowedWatches: unfollowedWatches + by })),
      inWorker(() => ({ isStopping: true })),
      inObjects(({ oldestPendingSeconds }, by) => ({ oldestPendingSeconds: (oldestPendingSeconds ?? 0) + by })),
      inObjects(({ pending, marks }, by) => ({ pending: capped(pending + by), marks: capped(marks + by) })),
      inObjects(({ poison, records }, by) => ({ poison: Math.min(records, poison + by) })),
      inObjects(({ poisonedLately }, by) => ({ poisonedLately: poisonedLately + by })),
      inObjects(({ sentLately }, by) => ({ sentLately: Math.max(0, sentLately - by) })),
    ),
    amount,
  )
  .map(([worsen, by]) => worsen(by));
