import { expect, it } from 'vitest';
import { runPass } from '../src/sync.ts';

it('ends a pass that is told to stop while it folds', async () => {
  const stop = new AbortController();
  const counts = await runPass(
    {
      fold: async () => {
        stop.abort();
        return { marks: 3, more: true };
      },
      claim: async () => null,
      deliver: async () => ({}),
      concurrency: 4,
    },
    stop.signal,
  );
  expect(counts).toMatchObject({ marks: 3, claimed: 0 });
});
