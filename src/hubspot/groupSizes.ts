/** What the search for bad records has found out so far. */
export type Progress = {
  /** Records found bad. */
  badCount: number;
  /** Records found good or bad. */
  decidedCount: number;
};

// Assumed before anything is known, in records: what was found soon outweighs it. Chosen by simulation.
const PRIOR_BAD = 0.6;
const PRIOR_RECORDS = 35;

/** How many untested records to send at once: as many as are all good with even odds. */
export function untestedSize(progress: Progress, count: number): number {
  // Most refused batches hold one bad record: once it is found, the rest goes out together.
  if (progress.badCount === 1) return count;
  const even = Math.round(Math.log(0.5) / Math.log(shareOfGood(progress)));
  return Math.max(1, even * 1.5 >= count ? count : even);
}

/**
 * How many of a group with at least one bad record to send: the part that is all good with even odds. The search for
 * the first bad one never takes more steps than halving does, so that one in a hundred costs nine calls at most.
 */
export function partSize(progress: Progress, count: number): number {
  const good = shareOfGood(progress);
  const even = Math.round(Math.log(0.5 + 0.5 * good ** count) / Math.log(good));
  const half = 2 ** (Math.ceil(Math.log2(count)) - 1);
  const [least, most] = progress.badCount === 0 ? [count - half, half] : [1, count - 1];
  return Math.max(1, least, Math.min(most, even));
}

function shareOfGood({ badCount, decidedCount }: Progress): number {
  return 1 - Math.min(0.5, (badCount + PRIOR_BAD) / (decidedCount + PRIOR_RECORDS));
}
