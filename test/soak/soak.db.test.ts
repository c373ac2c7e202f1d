import { describe, expect, it } from 'vitest';
import { soak } from './soak.ts';

/** Long enough for each kind of trouble to have its turn somewhere on the three servers. */
const CHAOS_MS = 20_000;

describe('chaos', () => {
  it('leaves HubSpot equal to the SELECTs, but for what the data deserves', { timeout: 900_000 }, async () => {
    const { problems, trails, statements, calls } = await soak({ seed: 1, chaosMs: CHAOS_MS, say: () => {} });
    expect(problems, trails.join('\n')).toEqual([]);
    expect(statements).toBeGreaterThan(20);
    expect(calls).toBeGreaterThan(20);
  });
});
