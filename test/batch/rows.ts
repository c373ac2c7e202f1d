import type { ClaimedRow } from '../../src/outbox/claim.ts';

/** A claimed row that HubSpot was never told of, but for what is given. */
export function claimedRow(given: Partial<ClaimedRow> & { sourceId: string }): ClaimedRow {
  return {
    revision: '1',
    attempts: 0,
    hubspotId: null,
    matchValue: null,
    sentProperties: null,
    doubt: null,
    pendingSince: null,
    ...given,
  };
}
