import type { Breaker, CircuitState } from '../hubspot/breaker.ts';

/** The part of a Redis client that the circuit's state needs. */
export type Channel = {
  publish(message: string): Promise<unknown>;
  write(state: 'open' | null, ttlMs: number): Promise<unknown>;
  read(): Promise<string | null>;
};

/** What another worker found holds no longer than this without being said again. */
const TTL_MS = 90_000;

/**
 * What one worker finds out about HubSpot, all know: the circuit opens and closes for all of them. Each reads from its
 * own memory; changes go out in the background and come in as messages, and what was missed by a look now and then.
 */
export class SharedCircuit {
  readonly #breaker: Breaker;
  readonly #channel: Channel;
  #isFollowing = false;

  constructor(breaker: Breaker, channel: Channel) {
    this.#breaker = breaker;
    this.#channel = channel;
    breaker.onChange((state) => this.#tell(state));
  }

  /** Somebody else's circuit changed. */
  hear(state: string): void {
    if (state !== 'open' && state !== 'closed') return;
    // One that tries HubSpot just now finds out for itself.
    if (state === this.#breaker.state || (state === 'open' && this.#breaker.state === 'half-open')) return;
    this.#isFollowing = true;
    this.#breaker.follow(state);
    this.#isFollowing = false;
  }

  /** For messages that were missed. Nothing is there when nobody found HubSpot away lately. */
  async look(): Promise<void> {
    const state = await this.#channel.read();
    if (state === 'open' && this.#breaker.state === 'closed') this.hear('open');
  }

  #tell(state: CircuitState): void {
    if (this.#isFollowing || state === 'half-open') return;
    void this.#channel.write(state === 'open' ? 'open' : null, TTL_MS).catch(() => {});
    void this.#channel.publish(state).catch(() => {});
  }
}
