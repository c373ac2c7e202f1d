/** What one pass did, in records unless the name says otherwise. */
export type PassCounts = {
  marks: number;
  claimed: number;
  synced: number;
  unchanged: number;
  gone: number;
  poison: number;
  later: number;
  calls: number;
};

export function noCounts(): PassCounts {
  return { marks: 0, claimed: 0, synced: 0, unchanged: 0, gone: 0, poison: 0, later: 0, calls: 0 };
}

/** Adds `more` to `counts` in place: several batches of one pass count into one sum. */
export function addCounts(counts: PassCounts, more: Partial<PassCounts>): void {
  for (const [name, amount] of Object.entries(more) as [keyof PassCounts, number][]) counts[name] += amount;
}

/** Whether something came to its end, and not only a call that led to nothing. */
export function settledSomething({ marks, synced, unchanged, gone, poison }: PassCounts): boolean {
  return marks + synced + unchanged + gone + poison > 0;
}

export function didSomething({ marks, claimed }: PassCounts): boolean {
  return marks > 0 || claimed > 0;
}
