/**
 * In how many milliseconds a look from the beginning is worth another, after one that took `tookMs`: often where it is
 * cheap, and never for more than a fiftieth of the time.
 */
export function thoroughAgainInMs(tookMs: number): number {
  return Math.max(5_000, tookMs * 50);
}
