const LEAST_MS = 200;
const FIRST_CEILING_MS = 1_000;
const MOST_MS = 60_000;

/**
 * How long to wait before the next try: full jitter over a ceiling that doubles, 1 s, 2 s, 4 s … a minute, so that many
 * who failed together do not come back together. What HubSpot asks for is the least. Pure but for `random`.
 * @param failures in a row, before this one
 */
export function backoffMs(failures: number, atLeastMs = 0, random: () => number = Math.random): number {
  const ceilingMs = Math.min(MOST_MS, FIRST_CEILING_MS * 2 ** Math.min(failures, 6));
  return Math.max(atLeastMs, LEAST_MS) + random() * ceilingMs;
}
