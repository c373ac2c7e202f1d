/** What a worker knows of itself, from memory. Moments are milliseconds since 1970. */
export type WorkerFacts = {
  workerId: string;
  startedAt: number;
  /** Of the breaker towards HubSpot. */
  circuit: Circuit;
  pauses: readonly PauseFacts[];
  /** Where HubSpot's property definitions came from. */
  definitions: 'live' | 'cache' | 'none';
  callsToday: number;
  /** The budget of the mapping; null where it sets none. */
  callsPerDay: number | null;
  /** The budget is spent, or HubSpot says that the account's is: nothing is sent until the day ends. */
  dailyLimitReached: boolean;
  /** Of the last calls; null before the first. */
  apiLatencyMs: number | null;
  /** `degraded`: several workers are wanted, and this one goes on alone with a part of the limit. */
  redis: 'off' | 'shared' | 'degraded';
  lastPassEndedAt: number | null;
  isStopping: boolean;
  /** As the worker's own statements last met it. */
  database: 'up' | 'down';
  /** Watches whose marks cannot be followed; their marks stay. */
  unfollowedWatches: number;
  /** Objects whose triggers are not those of the mapping, as far as the outbox tells. */
  unapplied: readonly { object: string; reason: string }[];
};

export type Circuit = 'closed' | 'half-open' | 'open';

export type PauseFacts = {
  /** `*` is the whole worker. */
  object: string;
  code: string;
  /** One sentence for a person. It is shown to whoever asks this worker and never sent anywhere. */
  reason: string;
  since: number;
};

/** Counts stop here: `COUNT_LIMIT` means that many or more. See readOutbox.ts. */
export const COUNT_LIMIT = 100_000;

/** What the outbox holds, by the database's clock. */
export type OutboxFacts = {
  /** Of the mapping, in its order. */
  objects: readonly ObjectFacts[];
  /** Noted by triggers and not folded yet, for whatever object; at most `COUNT_LIMIT`. */
  marks: number;
};

export type ObjectFacts = {
  object: string;
  /** Among the oldest `COUNT_LIMIT` marks. */
  marks: number;
  /** At most `COUNT_LIMIT`. */
  pending: number;
  /** How long the oldest change waits, as a mark or as a pending row; null when none does. */
  oldestPendingSeconds: number | null;
  /** At most `COUNT_LIMIT`. */
  poison: number;
  /** Rows of whatever status; at most `COUNT_LIMIT`. A minute old at most. */
  records: number;
  /** Rows that HubSpot took lately: within an hour, and the last 10,000 of them. */
  sentLately: number;
  /** Rows that became poison in the same while. */
  poisonedLately: number;
};
