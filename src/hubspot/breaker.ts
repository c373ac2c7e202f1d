import CircuitBreaker from 'opossum';

export type CircuitState = 'closed' | 'open' | 'half-open';

export type BreakerOptions = {
  /** Calls within the window before it may open. */
  leastCalls?: number;
  /** Share of faults, in percent, at which it opens. */
  faultPercent?: number;
  windowMs?: number;
  /** How long it stays open the first time; twice as long each time the probe fails too, up to `longestOpenMs`. */
  openMs?: number;
  longestOpenMs?: number;
};

/** Nothing was sent: the circuit is open. */
export class CircuitOpen extends Error {}

/** Counts as a fault of HubSpot's, and carries what the caller wants to have. */
class Fault<T> extends Error {
  readonly result: T;
  constructor(result: T) {
    super('fault');
    this.result = result;
  }
}

/**
 * Stops calling a HubSpot that does not answer as it should. States: closed → open (too many faults among enough calls)
 * → half-open (after a while one call may try) → closed when that was answered, open again when not.
 * Invariant: while it is open nobody calls and no row is claimed, so what waits, waits in the outbox.
 */
export class Breaker {
  readonly #circuit: CircuitBreaker<[() => Promise<unknown>], unknown>;
  readonly #settings: { resetTimeout: number };
  readonly #openMs: number;
  readonly #longestOpenMs: number;
  readonly #listeners: ((state: CircuitState) => void)[] = [];

  constructor({
    leastCalls = 4,
    faultPercent = 50,
    windowMs = 60_000,
    openMs = 5_000,
    longestOpenMs = 60_000,
  }: BreakerOptions = {}) {
    const settings = {
      timeout: false as const,
      volumeThreshold: leastCalls,
      errorThresholdPercentage: faultPercent,
      rollingCountTimeout: windowMs,
      rollingCountBuckets: 10,
      resetTimeout: openMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    };
    this.#settings = settings;
    this.#openMs = openMs;
    this.#longestOpenMs = longestOpenMs;
    this.#circuit = new CircuitBreaker((work: () => Promise<unknown>) => work(), settings);
    this.#circuit.on('open', () => this.#tell('open'));
    this.#circuit.on('halfOpen', () => this.#halfOpened());
    this.#circuit.on('close', () => this.#closed());
  }

  get state(): CircuitState {
    if (this.#circuit.opened) return 'open';
    return this.#circuit.halfOpen ? 'half-open' : 'closed';
  }

  onChange(listener: (state: CircuitState) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Runs a call. `isFault` says of its result whether HubSpot failed; the result comes back all the same.
   * @throws CircuitOpen when nothing may be sent now
   */
  async run<T>(work: () => Promise<T>, isFault: (result: T) => boolean): Promise<T> {
    try {
      return (await this.#circuit.fire(async () => {
        const result = await work();
        if (isFault(result)) throw new Fault(result);
        return result;
      })) as T;
    } catch (error) {
      if (error instanceof Fault) return error.result as T;
      if ((error as { code?: string }).code === 'EOPENBREAKER') throw new CircuitOpen('the circuit is open');
      throw error;
    }
  }

  /** Another worker has found HubSpot away, or back. */
  follow(state: 'open' | 'closed'): void {
    if (state === 'open') this.#circuit.open();
    else this.#circuit.close();
  }

  shutdown(): void {
    this.#circuit.shutdown();
  }

  /** The library reads the time from its options each time it opens. */
  #halfOpened(): void {
    this.#settings.resetTimeout = Math.min(this.#settings.resetTimeout * 2, this.#longestOpenMs);
    this.#tell('half-open');
  }

  #closed(): void {
    this.#settings.resetTimeout = this.#openMs;
    this.#tell('closed');
  }

  #tell(state: CircuitState): void {
    for (const listener of this.#listeners) listener(state);
  }
}
