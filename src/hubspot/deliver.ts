import type { Answer, Hubspot, MayStart } from './client.ts';
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
  /** 2xx, and no word of them: sent again, never assumed. */
  unknown: string[];
  /** No answer, or one of a HubSpot in trouble: it may have been written, or be written later still. */
  doubtful: string[];
  /** HubSpot fails on each of them alone, and takes others. */
  crashing: Refused[];
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
  /** HubSpot has failed on batches with this record again and again while it took others. */
  isSuspect: (sourceId: string) => boolean;
  /** False when these records are no longer ours to send. */
  mayStart: MayStart;
};

type Sending = { hubspot: Hubspot; target: Target; delivery: Delivery; searchesCrash: boolean; signal: AbortSignal };

/**
 * Sends at most 100 records, no two with one match value, and accounts for each. A batch that HubSpot refuses whole is
 * isolated: the good records are delivered, the bad ones come back with HubSpot's reason. So is a batch on which HubSpot
 * itself fails again and again.
 */
export async function deliver(
  hubspot: Hubspot,
  target: Target,
  records: readonly OutboundRecord[],
  signal: AbortSignal,
): Promise<Delivery> {
  const delivery = emptyDelivery();
  const sending = {
    hubspot,
    target,
    delivery,
    signal,
    searchesCrash: records.some(({ sourceId }) => target.isSuspect(sourceId)),
  };
  if (records.length > 0) await sendAll(sending, records);
  return eachOnce(delivery);
}

export function emptyDelivery(): Delivery {
  return {
    delivered: [],
    refused: [],
    missing: [],
    later: [],
    unknown: [],
    doubtful: [],
    crashing: [],
    stop: null,
    calls: 0,
  };
}

async function sendAll(sending: Sending, records: readonly OutboundRecord[]): Promise<void> {
  const { delivery } = sending;
  const send = (group: OutboundRecord[]) => trySend(sending, group);
  const trial = await send([...records]);
  if (trial.kind === 'stopped') delivery.later.push(...records.map(({ sourceId }) => sourceId));
  if (trial.kind !== 'refused') return;
  const [only] = records;
  const { bad, undecided } =
    records.length === 1 && only !== undefined
      ? { bad: [{ record: only, reason: trial.reasonOf(only) }], undecided: [] }
      : await isolate(records, trial, send);
  delivery.later.push(...undecided.map(({ sourceId }) => sourceId));
  for (const { record, reason } of bad) {
    if (isCrash(reason)) await trySuspect(sending, record);
    else delivery.refused.push(toRefused(record, reason));
  }
}

/** A HubSpot in trouble fails now and then: it must fail on this record once more, alone, before that is blamed. */
async function trySuspect(sending: Sending, record: OutboundRecord): Promise<void> {
  const trial = await trySend(sending, [record]);
  if (trial.kind === 'stopped') sending.delivery.later.push(record.sourceId);
  if (trial.kind !== 'refused') return;
  const reason = trial.reasonOf(record);
  const { crashing, refused } = sending.delivery;
  (isCrash(reason) ? crashing : refused).push(toRefused(record, reason));
}

/** A record that may have been written in vain is counted where it ended; what is left in doubt is no longer `later`. */
function eachOnce(delivery: Delivery): Delivery {
  const ended = new Set(
    [...delivery.delivered, ...delivery.refused, ...delivery.crashing]
      .map(({ sourceId }) => sourceId)
      .concat(delivery.missing),
  );
  const doubtful = [...new Set(delivery.doubtful)].filter((id) => !ended.has(id));
  const unknown = delivery.unknown.filter((id) => !doubtful.includes(id));
  const later = delivery.later.filter((id) => !doubtful.includes(id) && !unknown.includes(id));
  return { ...delivery, doubtful, unknown, later };
}

async function trySend(sending: Sending, group: OutboundRecord[]): Promise<Trial<OutboundRecord, Reason>> {
  const { hubspot, target, delivery, signal } = sending;
  if (signal.aborted) return { kind: 'stopped' };
  delivery.calls += 1;
  const answer = await request(hubspot, target, group, signal);
  const verdict = judge(answer);
  switch (verdict.kind) {
    case 'answered':
      return take(delivery, confirm(group, answer.body, target.matchOn, target.mode));
    case 'silent':
      delivery.unknown.push(...group.map(({ sourceId }) => sourceId));
      return { kind: 'settled' };
    case 'refused':
      return {
        kind: 'refused',
        reasonOf: (record) => reasonFor(verdict.reasons, record),
        nameOf: (record) => nameOf(verdict.reasons, record),
      };
    case 'unsent':
      return { kind: 'stopped' };
    case 'fault':
      return fail(sending, group, verdict, answer.status !== null);
    case 'mapping':
    case 'account':
    case 'wait':
      delivery.stop ??= verdict;
      return { kind: 'stopped' };
  }
}

function fail(
  { delivery, searchesCrash }: Sending,
  group: OutboundRecord[],
  verdict: Extract<Verdict, { kind: 'fault' }>,
  isAnswer: boolean,
): Trial<OutboundRecord, Reason> {
  if (verdict.isDoubtful) delivery.doubtful.push(...group.map(({ sourceId }) => sourceId));
  if (searchesCrash && isAnswer) {
    const reason = crashReason(verdict.code);
    return { kind: 'refused', reasonOf: () => reason, nameOf: () => null };
  }
  delivery.stop ??= verdict;
  return { kind: 'stopped' };
}

function crashReason(code: string): Reason {
  return {
    code: `CRASHES_${code}`,
    message: `HubSpot answers ${code.replace('HTTP_', '')} whenever this record is sent, alone too, while it takes others. It may be written all the same.`,
    traceIds: [],
    ids: [],
  };
}

function isCrash({ code }: Reason): boolean {
  return code.startsWith('CRASHES_');
}

function request(
  hubspot: Hubspot,
  { type, matchOn, mode, mayStart }: Target,
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
    return hubspot.upsert(type, inputs, signal, mayStart);
  }
  const inputs = group.flatMap(({ hubspotId, traceId, properties }) =>
    hubspotId === null ? [] : [{ id: hubspotId, objectWriteTraceId: traceId, properties }],
  );
  return hubspot.update(type, inputs, signal, mayStart);
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
  // Answered record by record it tells nothing of the records beside it; with every one taken it does.
  return confirmation.refused.length + confirmation.missing.length + confirmation.unknown.length === 0
    ? { kind: 'passed' }
    : { kind: 'settled' };
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
  const { property = '' } = reason;
  const value = Object.hasOwn(record.properties, property) ? record.properties[property] : undefined;
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
