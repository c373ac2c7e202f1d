import { randomUUID } from 'node:crypto';
import type { ObjectMapping } from '../config/mapping.ts';
import type { Hubspot } from '../hubspot/client.ts';
import type { OutboundRecord } from '../hubspot/confirm.ts';
import { type Delivery, deliver, type Target } from '../hubspot/deliver.ts';
import { holdsSent, readHeld } from './held.ts';
import type { Candidate } from './sortOut.ts';

export type Sending = {
  hubspot: Hubspot;
  object: ObjectMapping;
  isSuspect: Target['isSuspect'];
  mayStart: Target['mayStart'];
  signal: AbortSignal;
};

/**
 * A record that HubSpot has is updated by its id, and only the rest is upserted: an upsert that is carried out late, when
 * the record has another match value already, would create a second one. One whose record is gone is `missing`, and not
 * created at once: another call may have created it already.
 */
export async function sendCandidates(sending: Sending, candidates: readonly Candidate[]): Promise<Delivery> {
  const { hubspot, object, signal } = sending;
  const target = {
    type: object.type,
    matchOn: object.matchOn,
    isSuspect: sending.isSuspect,
    mayStart: sending.mayStart,
  };
  const known = candidates.filter(({ row }) => row.hubspotId !== null);
  const others = candidates.filter(({ row }) => row.hubspotId === null);
  const updated = await deliver(hubspot, { ...target, mode: 'update' }, known.map(toOutbound), signal);
  const upserted = await deliver(hubspot, { ...target, mode: 'upsert' }, others.map(toOutbound), signal);
  return confirmUnknown(sending, candidates, joined(updated, upserted));
}

function joined(updated: Delivery, upserted: Delivery): Delivery {
  return {
    delivered: [...updated.delivered, ...upserted.delivered],
    refused: [...updated.refused, ...upserted.refused],
    missing: [...updated.missing, ...upserted.missing],
    later: [...updated.later, ...upserted.later],
    unknown: [...updated.unknown, ...upserted.unknown],
    doubtful: [...updated.doubtful, ...upserted.doubtful],
    crashing: [...updated.crashing, ...upserted.crashing],
    stop: updated.stop ?? upserted.stop,
    calls: updated.calls + upserted.calls,
  };
}

function toOutbound({ row, matchValue, properties }: Candidate): OutboundRecord {
  return { sourceId: row.sourceId, hubspotId: row.hubspotId, matchValue, properties, traceId: randomUUID() };
}

/** Sent so often without a word of it that HubSpot is asked what it holds. */
const ASKED_AFTER_ATTEMPTS = 2;
/** Asked so often without a word of it either. */
const GIVEN_UP_AFTER_ATTEMPTS = 6;

/** Success without evidence, for the third time: the record is read back, and what HubSpot holds decides. */
async function confirmUnknown(
  { hubspot, object, mayStart, signal }: Sending,
  candidates: readonly Candidate[],
  delivery: Delivery,
): Promise<Delivery> {
  const asked = candidates.filter(
    ({ row }) => delivery.unknown.includes(row.sourceId) && row.attempts >= ASKED_AFTER_ATTEMPTS,
  );
  if (asked.length === 0 || !(await mayStart())) return delivery;
  const names = Object.keys(asked[0]?.properties ?? {});
  const values = asked.map(({ matchValue }) => matchValue);
  const holding = await readHeld(hubspot, { type: object.type, names, by: object.matchOn }, values, signal);
  if (holding === null) return { ...delivery, calls: delivery.calls + 1 };
  const confirmed: Delivery = { ...delivery, delivered: [...delivery.delivered], refused: [...delivery.refused] };
  const decided = new Set<string>();
  for (const { row, matchValue, properties } of asked) {
    const held = holding.found.get(matchValue);
    const isMissing = holding.missing.has(matchValue);
    if (held === undefined && !isMissing && row.attempts < GIVEN_UP_AFTER_ATTEMPTS) continue;
    decided.add(row.sourceId);
    // It was found by its match value, so that one needs no comparison: a secondary e-mail is held beside the primary.
    const { [object.matchOn]: _, ...others } = properties;
    if (held !== undefined && holdsSent(others, held.properties))
      confirmed.delivered.push({ sourceId: row.sourceId, hubspotId: held.hubspotId });
    else {
      const what = held !== undefined ? 'holds something else' : isMissing ? 'is not there' : 'is not spoken of either';
      confirmed.refused.push({ sourceId: row.sourceId, code: 'UNCONFIRMED', message: unconfirmed(what) });
    }
  }
  confirmed.unknown = delivery.unknown.filter((id) => !decided.has(id));
  confirmed.calls += holding.calls;
  return confirmed;
}

function unconfirmed(what: string): string {
  return `HubSpot answered again and again as if it had taken the record, without a word of it, and read back it ${what}. Look at it in HubSpot, then retry.`;
}
