import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from '../database/connect.ts';
import { isUnavailable } from '../database/unavailable.ts';
import type { Claim } from './claim.ts';
import { type Outcome, settle } from './settle.ts';

const TRY_AGAIN_MS = 500;

/**
 * Settles a claim, and goes on trying for as long as it lasts while the database is away: what HubSpot took need not be
 * sent again only because the database was started anew meanwhile. Afterwards the rows are due, and in doubt.
 */
export async function settleInTime(
  db: Db,
  claim: Claim,
  outcomes: readonly Outcome[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await settle(db, claim, outcomes);
      return;
    } catch (error) {
      const isInTime = performance.now() + TRY_AGAIN_MS < claim.expiresAt && !signal.aborted;
      if (!isUnavailable(error) || !isInTime) throw error;
      await delay(TRY_AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }
}
