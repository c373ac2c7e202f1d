import { type Reason, readErrors } from './reasons.ts';
import { MAPPING_CODES, mappingReason } from './responses.ts';

/** A record on its way to HubSpot. */
export type OutboundRecord = {
  sourceId: string;
  hubspotId: string | null;
  /** Normalised: an e-mail in lower case. */
  matchValue: string;
  properties: Record<string, string>;
  /** Unique to this record and this call. */
  traceId: string;
};

export type Refused = {
  sourceId: string;
  code: string;
  property?: string;
  value?: string;
  message: string;
  correlationId?: string;
};

export type Confirmation = {
  delivered: { sourceId: string; hubspotId: string }[];
  refused: Refused[];
  /** Updates by an id that HubSpot no longer has. */
  missing: string[];
  /** Neither confirmed nor refused: nobody knows whether it was written. */
  unknown: string[];
  mapping: { code: string; reason: string } | null;
};

type Result = { id: string; traceId?: string; matchValue?: string };

/**
 * What a 2xx body says of each record. A record is delivered only when a result is its own: by trace id, else by what
 * it was sent under, its record id in an update and its match value in an upsert; results come in any order. Anything
 * less is unknown.
 */
export function confirm(
  records: readonly OutboundRecord[],
  body: unknown,
  matchOn: string,
  mode: 'upsert' | 'update',
): Confirmation {
  const results = readResults(body, matchOn);
  const own = indexResults(results, mode);
  const errors = readErrors(body);
  const confirmation: Confirmation = { delivered: [], refused: [], missing: [], unknown: [], mapping: null };
  const open = new Map(records.map((record) => [record.traceId, record]));
  for (const record of records) {
    const result = resultOf(record, own, mode);
    const error = result === undefined ? errorOf(record, errors, mode) : undefined;
    if (result === undefined && error === undefined) continue;
    open.delete(record.traceId);
    if (result !== undefined) confirmation.delivered.push({ sourceId: record.sourceId, hubspotId: result.id });
    else if (error !== undefined) settleError(confirmation, record, error);
  }
  const anonymous = errors.filter(({ traceIds, ids }) => traceIds.length === 0 && ids.length === 0);
  const isComplete = results.length === confirmation.delivered.length && open.size === 1 && anonymous.length === 1;
  settleOpen(confirmation, [...open.values()], anonymous, isComplete);
  return confirmation;
}

/**
 * When every result is somebody's, one record is left and one error that names nobody, it is its own. Else what is
 * left is unknown.
 */
function settleOpen(
  confirmation: Confirmation,
  open: readonly OutboundRecord[],
  anonymous: readonly Reason[],
  isComplete: boolean,
): void {
  const [record] = open;
  const [error] = anonymous;
  if (isComplete && record !== undefined && error !== undefined) {
    settleError(confirmation, record, error);
    return;
  }
  for (const each of anonymous) noteMapping(confirmation, each);
  confirmation.unknown.push(...open.map(({ sourceId }) => sourceId));
}

function settleError(confirmation: Confirmation, record: OutboundRecord, error: Reason): void {
  if (noteMapping(confirmation, error)) confirmation.unknown.push(record.sourceId);
  else if (error.code === 'OBJECT_NOT_FOUND') confirmation.missing.push(record.sourceId);
  else confirmation.refused.push(toRefused(record, error));
}

function noteMapping(confirmation: Confirmation, error: Reason): boolean {
  if (!MAPPING_CODES.includes(error.code)) return false;
  confirmation.mapping = { code: error.code, reason: mappingReason(error) };
  return true;
}

export function toRefused(record: OutboundRecord, { code, property, message, correlationId }: Reason): Refused {
  // HubSpot may name anything, also what every object of the language has.
  const value =
    property !== undefined && Object.hasOwn(record.properties, property) ? record.properties[property] : undefined;
  return {
    sourceId: record.sourceId,
    code,
    message,
    ...(property === undefined ? {} : { property }),
    ...(value === undefined ? {} : { value }),
    ...(correlationId === undefined ? {} : { correlationId }),
  };
}

function readResults(body: unknown, matchOn: string): Result[] {
  const { results } = (body ?? {}) as { results?: unknown };
  if (!Array.isArray(results)) return [];
  return results.flatMap((result: unknown) => {
    const { id, objectWriteTraceId, properties } = (result ?? {}) as Record<string, unknown>;
    if (typeof id !== 'string' && typeof id !== 'number') return [];
    const value = (properties as Record<string, unknown> | undefined)?.[matchOn];
    return [
      {
        id: String(id),
        ...(typeof objectWriteTraceId === 'string' ? { traceId: objectWriteTraceId } : {}),
        ...(typeof value === 'string' ? { matchValue: normalize(value, matchOn) } : {}),
      },
    ];
  });
}

function normalize(value: string, matchOn: string): string {
  return matchOn === 'email' ? value.trim().toLowerCase() : value.trim();
}

/** Results by what they say of themselves; null where two say the same, which confirm nothing. */
type Index = { byTrace: Map<string, Result | null>; bySent: Map<string, Result | null> };

function indexResults(results: readonly Result[], mode: 'upsert' | 'update'): Index {
  const index: Index = { byTrace: new Map(), bySent: new Map() };
  for (const result of results) {
    const { id, traceId, matchValue } = result;
    const sentUnder = mode === 'update' ? id : matchValue;
    if (traceId !== undefined) index.byTrace.set(traceId, index.byTrace.has(traceId) ? null : result);
    else if (sentUnder !== undefined) index.bySent.set(sentUnder, index.bySent.has(sentUnder) ? null : result);
  }
  return index;
}

function resultOf(
  { traceId, hubspotId, matchValue }: OutboundRecord,
  { byTrace, bySent }: Index,
  mode: 'upsert' | 'update',
): Result | undefined {
  const sentUnder = mode === 'update' ? hubspotId : matchValue;
  const result = byTrace.get(traceId) ?? (byTrace.has(traceId) || sentUnder === null ? null : bySent.get(sentUnder));
  return result ?? undefined;
}

/** By trace id, or by the id the record was sent under. */
function errorOf(
  { traceId, hubspotId, matchValue }: OutboundRecord,
  errors: readonly Reason[],
  mode: 'upsert' | 'update',
): Reason | undefined {
  const sentId = mode === 'update' ? hubspotId : matchValue;
  return errors.find(({ traceIds, ids }) => traceIds.includes(traceId) || (sentId !== null && ids.includes(sentId)));
}
