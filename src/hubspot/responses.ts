import type { Answer } from './client.ts';
import { type Reason, readReasons } from './reasons.ts';

/** What an answer asks for. */
export type Verdict =
  /** A body that speaks of each input. */
  | { kind: 'answered' }
  /** The whole batch is refused; nothing of it was written. */
  | { kind: 'refused'; reasons: Reason[] }
  /** The mapping is at fault, and no record: the object pauses. */
  | { kind: 'mapping'; code: string; reason: string }
  /** The key is at fault: the worker pauses. */
  | { kind: 'account'; code: string; reason: string }
  /** Everybody waits. */
  | { kind: 'wait'; code: string; delayMs: number }
  /** HubSpot is in trouble. `isDoubtful`: what was sent may have been written, or may still be. */
  | { kind: 'fault'; code: string; isDoubtful: boolean; atLeastMs: number }
  /** Nothing was sent. */
  | { kind: 'unsent' }
  /** 2xx, and nothing to read. */
  | { kind: 'silent' };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** `waitMs` is for when HubSpot does not say how long, and the least otherwise, unless `leastMs` is less. */
type Rule = { status: number; policy?: string; waitMs: number; leastMs?: number; atMostMs: number };

// https://developers.hubspot.com/docs/api-reference/error-handling and …/usage-details: one line each.
const WAITS: readonly Rule[] = [
  { status: 429, policy: 'SECONDLY', waitMs: SECOND, atMostMs: MINUTE },
  { status: 429, policy: 'TEN_SECONDLY_ROLLING', waitMs: 10 * SECOND, atMostMs: MINUTE },
  { status: 429, policy: 'DAILY', waitMs: 15 * MINUTE, atMostMs: DAY },
  { status: 429, waitMs: 10 * SECOND, atMostMs: MINUTE },
  { status: 423, waitMs: 2 * SECOND, atMostMs: MINUTE },
  { status: 477, waitMs: MINUTE, leastMs: SECOND, atMostMs: DAY },
];

/** Refusals that concern the mapping, whatever record they came with. */
export const MAPPING_CODES = [
  'PROPERTY_DOESNT_EXIST',
  'READ_ONLY_VALUE',
  'NON_UNIQUE_ID_PROPERTY',
  'INVALID_OBJECT_TYPE',
];

export function judge(answer: Answer): Verdict {
  const { status, body, failure } = answer;
  if (failure === 'unsent') return { kind: 'unsent' };
  if (status === null) {
    const isDoubtful = failure !== 'unreached';
    return { kind: 'fault', code: (failure ?? 'network').toUpperCase(), isDoubtful, atLeastMs: 0 };
  }
  if (status >= 200 && status < 300) return isBatchBody(body) ? { kind: 'answered' } : { kind: 'silent' };
  const reasons = readReasons(body);
  const [first] = reasons;
  if (status === 401)
    return { kind: 'account', code: word(first?.code) ?? 'UNAUTHORIZED', reason: 'HubSpot refuses the access token' };
  if (status === 403)
    return {
      kind: 'account',
      code: word(first?.code) ?? 'FORBIDDEN',
      reason: `the access token lacks rights: ${scopes(body)}`,
    };
  const wait = waitOf(answer);
  if (wait !== null) return wait;
  // What is no JSON comes from a proxy, was not read by HubSpot, and says nothing about a record.
  if ((status === 400 || status === 409) && !isObject(body))
    return { kind: 'fault', code: `HTTP_${status}`, isDoubtful: false, atLeastMs: 0 };
  if (status === 400 || status === 409) return judgeRefusal(reasons);
  if (status === 404)
    return { kind: 'mapping', code: 'INVALID_OBJECT_TYPE', reason: 'HubSpot knows no such object type' };
  if (status === 414) return { kind: 'mapping', code: 'URI_TOO_LONG', reason: 'the request names too many properties' };
  const atLeastMs = Math.min(retryAfterMs(answer.headers['retry-after']) ?? 0, MINUTE);
  return { kind: 'fault', code: `HTTP_${status}`, isDoubtful: true, atLeastMs };
}

function judgeRefusal(reasons: Reason[]): Verdict {
  const ofMapping = reasons.find(({ code }) => MAPPING_CODES.includes(code));
  if (ofMapping !== undefined) return { kind: 'mapping', code: ofMapping.code, reason: mappingReason(ofMapping) };
  return { kind: 'refused', reasons };
}

export function mappingReason({ code, property: named }: Reason): string {
  const property = word(named);
  const name = property === undefined ? 'a property' : `the property ${property}`;
  switch (code) {
    case 'PROPERTY_DOESNT_EXIST':
      return `HubSpot has no property named ${property ?? '(not said)'}`;
    case 'READ_ONLY_VALUE':
      return `${name} is read-only in HubSpot`;
    case 'NON_UNIQUE_ID_PROPERTY':
      return 'the property of match_on has no unique values in HubSpot';
    default:
      return `HubSpot refuses the mapping: ${code}`;
  }
}

function waitOf({ status, body, headers }: Answer): Verdict | null {
  const policy = fieldOf(body, 'policyName');
  const rule = WAITS.find((each) => each.status === status && (each.policy === undefined || each.policy === policy));
  if (rule === undefined) return null;
  const asked = retryAfterMs(headers['retry-after']);
  const delayMs = Math.min(Math.max(rule.leastMs ?? rule.waitMs, asked ?? rule.waitMs), rule.atMostMs);
  return { kind: 'wait', code: word(policy) ?? `HTTP_${status}`, delayMs };
}

/** Seconds, or an HTTP date; null when it is neither. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | null {
  if (header === undefined || header.trim() === '') return null;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * SECOND;
  return Number.isFinite(ms) && ms >= 0 ? ms : null;
}

/** A name as HubSpot's are. Anything else that stands in such a place is shown to nobody, and kept nowhere. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:-]{1,100}$/.test(value) ? value : undefined;
}

function isBatchBody(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Array.isArray((body as { results?: unknown }).results);
}

function fieldOf(body: unknown, name: string): string | undefined {
  const value = (body as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'string' ? value : undefined;
}

function isObject(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

const SCOPES = ['requiredGranularScopes', 'requiredScopes', 'missingScopes'];

function scopes(body: unknown): string {
  const { errors } = (body ?? {}) as { errors?: unknown };
  const contexts = Array.isArray(errors)
    ? errors.map((error: unknown) => (error as { context?: unknown } | null)?.context)
    : [];
  const names = contexts.flatMap((context) =>
    SCOPES.flatMap((name) => {
      const listed = (context as Record<string, unknown> | null | undefined)?.[name];
      return Array.isArray(listed) ? listed.flatMap((scope: unknown) => word(scope) ?? []) : [];
    }),
  );
  return names.length === 0 ? 'HubSpot does not say which' : `it needs the scopes ${[...new Set(names)].join(', ')}`;
}
