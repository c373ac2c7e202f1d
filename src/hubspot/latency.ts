/** How long HubSpot takes to answer, lately: a mean in which each call weighs a tenth of what follows. */
export class Latency {
  #meanMs: number | null = null;

  /** Null before the first answer. */
  get meanMs(): number | null {
    return this.#meanMs === null ? null : Math.round(this.#meanMs);
  }

  note(latencyMs: number): void {
    this.#meanMs = this.#meanMs === null ? latencyMs : this.#meanMs * 0.9 + latencyMs * 0.1;
  }
}
