/** Failures in a row, with other records taken between them, after which a record is looked at alone. */
const SUSPICIOUS = 2;
const MOST_REMEMBERED = 20_000;

/**
 * One record can make HubSpot fail, and every batch it is in. Counts for each record how often HubSpot failed on its
 * batch; a failure counts only when HubSpot took something since the one before, so that an outage blames nobody.
 */
export class Crashes {
  readonly #failures = new Map<string, { count: number; after: number }>();
  #taken = 0;

  /** HubSpot failed on a batch of these. */
  failed(object: string, sourceIds: readonly string[]): void {
    for (const id of sourceIds) {
      const name = `${object}/${id}`;
      const known = this.#failures.get(name);
      if (known !== undefined && known.after === this.#taken) continue;
      if (this.#failures.size >= MOST_REMEMBERED && known === undefined) continue;
      this.#failures.set(name, { count: (known?.count ?? 0) + 1, after: this.#taken });
    }
  }

  /** HubSpot answered for these. */
  answered(object: string, sourceIds: readonly string[]): void {
    if (sourceIds.length === 0) return;
    this.#taken += 1;
    for (const id of sourceIds) this.#failures.delete(`${object}/${id}`);
  }

  isSuspect(object: string, sourceId: string): boolean {
    return (this.#failures.get(`${object}/${sourceId}`)?.count ?? 0) >= SUSPICIOUS;
  }
}
