/** Plain bisection: a refused group is halved, and both halves are sent. Returns the calls it takes. */
export function plainBisectionCalls(isBad: readonly boolean[]): number {
  if (isBad.length <= 1 || !isBad.includes(true)) return 1;
  const middle = Math.ceil(isBad.length / 2);
  return 1 + plainBisectionCalls(isBad.slice(0, middle)) + plainBisectionCalls(isBad.slice(middle));
}

/** A refused batch is sent again record by record. */
export function oneByOneCalls(isBad: readonly boolean[]): number {
  return isBad.includes(true) ? 1 + isBad.length : 1;
}
