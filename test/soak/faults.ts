import type { Random } from '../../examples/shop/random.ts';
import type { Fault } from '../../src/sandbox/faults.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';

/** What befalls HubSpot: a fault of some calls, or another behaviour for a while. `resumes`: only a person ends the pause. */
export type Trouble = {
  name: string;
  fault?: Fault;
  options?: Partial<SandboxOptions>;
  /** How long, for what is not counted in calls. */
  forMs?: number;
  resumes?: boolean;
};

/** Later than this nothing is written: well within `late_write_ms`, as the product assumes. */
export const LATEST_WRITE_MS = 2_500;
/** Between two answers of success that wrote nothing: three in a row are poison by right. */
const EMPTY_PROMISE_EVERY = 25;

const HTML = { text: '<html><body>Bad gateway</body></html>' };
const DONE = { status: 'COMPLETE' };

type Draw = (random: Random) => Omit<Trouble, 'name'>;

const TROUBLES: readonly (readonly [weight: number, name: string, draw: Draw])[] = [
  [6, '5xx', (random) => ({ fault: { respond: { status: random.pick([500, 502, 503, 504, 521, 524]), ...HTML } } })],
  [
    6,
    '5xx after the write',
    (random) => ({ fault: { respond: { status: random.pick([500, 502, 524]), ...HTML }, writes: 'now' } }),
  ],
  [4, '5xx before a late write', (random) => ({ fault: { respond: { status: 504, ...HTML }, writes: late(random) } })],
  [3, 'hang', () => ({ fault: { action: 'hang' } })],
  [3, 'hang after the write', () => ({ fault: { action: 'hang', writes: 'now' } })],
  [6, 'hang before a late write', (random) => ({ fault: { action: 'hang', writes: late(random) } })],
  [4, 'reset', () => ({ fault: { action: 'reset' } })],
  [3, 'reset before a late write', (random) => ({ fault: { action: 'reset', writes: late(random) } })],
  [2, 'cut in the body', () => ({ fault: { action: 'cut' } })],
  [2, 'stall in the body', () => ({ fault: { action: 'stall' } })],
  [3, 'HTML and 200', () => ({ fault: { respond: { status: 200, ...HTML }, writes: 'now' } })],
  [3, '{}', () => ({ fault: { respond: { status: 200, body: {} }, writes: 'now' } })],
  [3, 'empty results', () => ({ fault: { action: 'empty-results' } })],
  [3, 'too few results', () => ({ fault: { action: 'drop-results' } })],
  [3, 'truncated JSON', () => ({ fault: { action: 'truncate' } })],
  [
    3,
    '201 or 202',
    (random) => ({ fault: { respond: { status: random.pick([201, 202]), body: DONE }, writes: 'now' } }),
  ],
  [2, '423', () => ({ fault: { answer: 'locked' } })],
  [3, '429 SECONDLY', () => ({ fault: { answer: 'secondly' } })],
  [2, '429 TEN_SECONDLY', () => ({ fault: { answer: 'ten-secondly' } })],
  [1, '429 DAILY', () => ({ fault: { answer: 'daily', times: 1 }, resumes: true })],
  [1, '477', () => ({ fault: { answer: 'migrating', times: 1, respond: { headers: { 'retry-after': '1' } } } })],
  [2, '401 for a while', () => ({ fault: { answer: 'unauthorized', times: 1_000 }, forMs: 1_500 })],
  [1, '403 for a while', () => ({ fault: { answer: 'missing-scopes', times: 1_000 }, forMs: 1_500 })],
  [3, 'a limit of calls', (random) => ({ options: { callsPer10s: random.integer(5, 15) }, forMs: 4_000 })],
  [5, 'whole batches refused, quoting', () => ({ options: { refusals: 'quoted' }, forMs: 6_000 })],
  [5, 'whole batches refused, silently', () => ({ options: { refusals: 'silent' }, forMs: 6_000 })],
  [4, 'conflicts as 400', () => ({ options: { conflicts: 400 }, forMs: 8_000 })],
  [4, 'trace ids echoed', () => ({ options: { echoTraceIds: true }, forMs: 8_000 })],
  [6, 'latency', (random) => ({ options: { latencyMs: random.integer(50, 700) }, forMs: 5_000 })],
];

const PATHS = ['batch/', 'batch/', 'batch/upsert', 'batch/upsert', 'batch/update', 'batch/archive', 'batch/read'];

/** Draws the `n`th trouble. */
export function drawTrouble(random: Random, n: number): Trouble {
  if (n % EMPTY_PROMISE_EVERY === EMPTY_PROMISE_EVERY - 1) return emptyPromise(random);
  const total = TROUBLES.reduce((sum, [weight]) => sum + weight, 0);
  let at = random.next() * total;
  for (const [weight, name, draw] of TROUBLES) {
    at -= weight;
    if (at >= 0) continue;
    const trouble = draw(random);
    const fault = trouble.fault && { path: random.pick(PATHS), times: random.integer(1, 2), ...trouble.fault };
    return { ...trouble, name, ...(fault === undefined ? {} : { fault }) };
  }
  throw new Error('the weights do not add up');
}

/** Success without a write. */
function emptyPromise(random: Random): Trouble {
  const respond = random.pick([{ status: 200, body: {} }, { status: 202 }, { status: 200, ...HTML }]);
  return { name: 'success without a write', fault: { path: 'batch/upsert', times: 1, respond, writes: 'no' } };
}

/** Everything as HubSpot is on a good day. */
export const GOOD_DAY: Partial<SandboxOptions> = {
  latencyMs: 0,
  refusals: 'records',
  conflicts: 409,
  echoTraceIds: false,
  callsPer10s: null,
};

function late(random: Random): number {
  return random.integer(200, LATEST_WRITE_MS);
}
