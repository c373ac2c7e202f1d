/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return (percentile(values, 50, 'lower') + percentile(values, 50, 'upper')) / 2;
}

/** The value that so many percent of all do not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number, rank: 'lower' | 'upper' = 'lower'): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length * percent) / 100;
  const index = rank === 'lower' ? Math.ceil(position) - 1 : Math.floor(position);
  const value = sorted[Math.min(Math.max(index, 0), sorted.length - 1)];
  if (value === undefined) throw new Error('expected values to take a percentile of, got none');
  return value;
}

/** Runs two things in turn, A B A B, so that a slow spell of the machine meets both. */
export async function inPairs<A, B>(
  count: number,
  a: () => Promise<A>,
  b: () => Promise<B>,
): Promise<{ a: A[]; b: B[] }> {
  const results: { a: A[]; b: B[] } = { a: [], b: [] };
  for (let pair = 0; pair < count; pair += 1) {
    results.a.push(await a());
    results.b.push(await b());
  }
  return results;
}

/** Three digits that matter; whole thousands with a comma. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}
