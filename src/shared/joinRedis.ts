import { createHash } from 'node:crypto';
import { createClient } from '@redis/client';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { Breaker } from '../hubspot/breaker.ts';
import type { Pace } from '../hubspot/pace.ts';
import type { Log } from '../log.ts';
import { SharedCircuit } from './sharedCircuit.ts';
import { pointsPerSecond, RedisPace } from './sharedPace.ts';

export type SharedState = {
  /** `degraded`: Redis does not answer, and this worker goes on alone with its share of the limit. */
  readonly state: 'shared' | 'degraded';
  close(): Promise<void>;
};

export type JoinOptions = {
  url: string;
  /** Workers with one token share one limit; only its hash leaves this process. */
  token: string;
  callsPer10s: number;
  pace: Pace;
  breaker: Breaker;
  workers: () => number;
  log: Log;
};

const LOOK_EVERY_MS = 2_000;
const RETRY_MS = 1_000;

/** Shares the limit and the circuit with other workers. Redis being away stops nobody, now or later. */
export function joinRedis({ url, token, callsPer10s, pace, breaker, workers, log }: JoinOptions): SharedState {
  const name = `hubspot-outbox:${createHash('sha256').update(token).digest('hex').slice(0, 16)}`;
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: 2_000, reconnectStrategy: () => RETRY_MS },
  });
  const subscriber = client.duplicate();
  for (const each of [client, subscriber]) each.on('error', () => {});
  const limiter = new RateLimiterRedis({
    storeClient: client,
    useRedisPackage: true,
    rejectIfRedisNotReady: true,
    keyPrefix: name,
    points: pointsPerSecond(callsPer10s),
    duration: 1,
  });
  const shared = new RedisPace(limiter, callsPer10s, workers);
  pace.share(shared);
  const circuit = new SharedCircuit(breaker, {
    publish: (message) => client.publish(`${name}:circuit`, message),
    write: (state, ttlMs) =>
      state === null
        ? client.del(`${name}:circuit`)
        : client.set(`${name}:circuit`, state, { expiration: { type: 'PX', value: ttlMs } }),
    read: () => client.get(`${name}:circuit`),
  });
  let told: SharedState['state'] | null = null;
  const state = () => (client.isReady && shared.isShared ? ('shared' as const) : ('degraded' as const));
  const look = async () => {
    if (client.isReady) await circuit.look().catch(() => {});
    if (state() !== told) log[state() === 'shared' ? 'info' : 'warn']({ redis: state() }, 'redis changed');
    told = state();
  };
  // Both connect by themselves, again and again.
  client.connect().catch(() => {});
  subscriber
    .connect()
    .then(() => subscriber.subscribe(`${name}:circuit`, (message) => circuit.hear(message)))
    .catch(() => {});
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  return {
    get state() {
      return state();
    },
    close: async () => {
      clearInterval(timer);
      pace.share(null);
      client.destroy();
      subscriber.destroy();
    },
  };
}
