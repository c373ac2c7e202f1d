import type { Answer, Hubspot } from './client.ts';
import { confirm, type OutboundRecord, type Refused, toRefused } from './confirm.ts';
import { isolate, type Trial } from './isolate.ts';
import type { Reason } from './reasons.ts';
import { judge, type Verdict } from './responses.ts';

/** What one batch led to. Every record of it stands in exactly one of the lists. */
export type Delivery = {
  delivered: { sourceId: string; hubspotId: string }[];
  refused: Refused[];
  /** Their HubSpot record is gone: an update by id found nothing. */
  missing: string[];
  /** Nothing was decided; nothing is held against them. */
  later: string[];
  /** May have been written: sent again, never assumed. */
  unknown: string[];
  /** Why the rest was not sent, or should not be for a while. */
  stop: Stop | null;
  calls: number;
};

export type Stop = Extract<Verdict, { kind: 'mapping' | 'account' | 'wait' | 'fault' }>;

export type Target = {
  type: string;
  matchOn: string;
  /** `upsert` finds records by match value, `update` by record id. */
  mode: 'upsert' | 'update';
};

/**
 * Sends at most 100 records, no two with one match value, and accounts for each. A batch that HubSpot refuses whole is
 * isolated: the good records are delivered, the bad ones come back with HubSpot's reason.
 */
export async function deliver(
  hubspot: Hubspot,
  target: Target,
  records: readonly OutboundRecord[],
  signal: AbortSignal,
): Promise<Delivery> {
  const delivery: Delivery = { delivered: [], refused: [], missing: [], later: [], unknown: [], stop: null, calls: 0 };
  if (records.length === 0) return delivery;
  const send = (group: OutboundRecord[]) => trySend(hubspot, target, group, delivery, signal);
  const trial = await send([...records]);
  if (trial.kind === 'stopped') delivery.later.push(...records.map(({ sourceId }) => sourceId));
  if (trial.kind !== 'refused') return withoutDoubt(delivery);
  const [only] = records;
  if (records.length === 1 && only !== undefined) {
    delivery.refused.push(toRefused(only, trial.reasonOf(only)));
    return delivery;
  }
  const { bad, undecided } = await isolate(records, trial, send);
  delivery.refused.push(...bad.map(({ record, reason }) => toRefused(record, reason)));
  delivery.later.push(...undecided.map(({ sourceId }) => sourceId));
  return withoutDoubt(delivery);
}

/** A call that ended without an answer may have been written: its records are unknown, not later. */
function withoutDoubt(delivery: Delivery): Delivery {
  const unknown = new Set(delivery.unknown);
  return { ...delivery, later: delivery.later.filter((id) => !unknown.has(id)) };
}

async function trySend(
  hubspot: Hubspot,
  target: Target,
  group: OutboundRecord[],
  delivery: Delivery,
  signal: AbortSignal,
): Promise<Trial<OutboundRecord, Reason>> {
  if (signal.aborted) return { kind: 'stopped' };
  delivery.calls += 1;
  const answer = await request(hubspot, target, group, signal);
  const verdict = judge(answer);
  switch (verdict.kind) {
    case 'answered':
      return take(delivery, confirm(group, answer.body, target.matchOn, target.mode));
    case 'silent':
      delivery.unknown.push(...group.map(({ sourceId }) => sourceId));
      return { kind: 'passed' };
    case 'refused':
      return {
        kind: 'refused',
        reasonOf: (record) => reasonFor(verdict.reasons, record),
        nameOf: (record) => nameOf(verdict.reasons, record),
      };
    case 'mapping':
    case 'account':
    case 'wait':
    case 'fault':
      delivery.stop ??= verdict;
      if (verdict.kind === 'fault') delivery.unknown.push(...group.map(({ sourceId }) => sourceId));
      return { kind: 'stopped' };
  }
}

function request(
  hubspot: Hubspot,
  { type, matchOn, mode }: Target,
  group: readonly OutboundRecord[],
  signal: AbortSignal,
): Promise<Answer> {
  if (mode === 'upsert') {
    const inputs = group.map(({ matchValue, traceId, properties }) => ({
      id: matchValue,
      idProperty: matchOn,
      objectWriteTraceId: traceId,
      properties,
    }));
    return hubspot.upsert(type, inputs, signal);
  }
  const inputs = group.flatMap(({ hubspotId, traceId, properties }) =>
    hubspotId === null ? [] : [{ id: hubspotId, objectWriteTraceId: traceId, properties }],
  );
  return hubspot.update(type, inputs, signal);
}

function take(delivery: Delivery, confirmation: ReturnType<typeof confirm>): Trial<OutboundRecord, Reason> {
  delivery.delivered.push(...confirmation.delivered);
  delivery.refused.push(...confirmation.refused);
  delivery.missing.push(...confirmation.missing);
  if (confirmation.mapping === null) {
    delivery.unknown.push(...confirmation.unknown);
  } else {
    delivery.later.push(...confirmation.unknown);
    delivery.stop ??= { kind: 'mapping', ...confirmation.mapping };
  }
  return { kind: 'passed' };
}

/** Of several reasons, the one that speaks of the record; else the first. */
function reasonFor(reasons: readonly Reason[], record: OutboundRecord): Reason {
  const own = reasons.find((reason) => names(reason, record) !== null);
  return own ?? reasons[0] ?? { code: 'REFUSED', message: 'HubSpot gives no reason', traceIds: [], ids: [] };
}

function nameOf(reasons: readonly Reason[], record: OutboundRecord): string | null {
  for (const reason of reasons) {
    const name = names(reason, record);
    if (name !== null) return name;
  }
  return null;
}

/** What a refusal of the whole batch names this record by: an id of it, or its value of the property, quoted. */
function names(reason: Reason, record: OutboundRecord): string | null {
  if (reason.traceIds.includes(record.traceId)) return record.traceId;
  if (reason.ids.includes(record.matchValue)) return record.matchValue;
  if (record.hubspotId !== null && reason.ids.includes(record.hubspotId)) return record.hubspotId;
  const value = reason.property === undefined ? undefined : record.properties[reason.property];
  return value !== undefined && value !== '' && quotes(reason.message, value) ? `${reason.property}=${value}` : null;
}

/** Whether a message holds a value as a whole word, before any list of what would be allowed. */
function quotes(message: string, value: string): boolean {
  const said = message.split(/(?:one of|options?:|allowed)\W*\[/i)[0] ?? message;
  for (let at = said.indexOf(value); at >= 0; at = said.indexOf(value, at + 1)) {
    const before = said[at - 1] ?? ' ';
    const after = said[at + value.length] ?? ' ';
    if (!/[\p{L}\p{N}_]/u.test(before) && !/[\p{L}\p{N}_]/u.test(after)) return true;
  }
  return false;
}
