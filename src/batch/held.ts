import type { Hubspot } from '../hubspot/client.ts';
import { judge } from '../hubspot/responses.ts';

/** A record as HubSpot holds it. */
export type Held = { hubspotId: string; properties: Record<string, string> };

/** What HubSpot said of records that were asked for; those it said nothing of are in neither. */
export type Holding = { found: Map<string, Held>; missing: Set<string> };

type Asked = { type: string; names: readonly string[]; by: string | null };

/**
 * Reads up to 100 records back, by record id (`by` null) or by a property with unique values. Null when HubSpot gave no
 * answer that can be used. Source: POST /crm/v3/objects/{type}/batch/read.
 */
export async function readHeld(
  hubspot: Hubspot,
  { type, names, by }: Asked,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Holding | null> {
  if (ids.length === 0) return { found: new Map(), missing: new Set() };
  const answer = await hubspot.read(
    type,
    [...ids],
    by === null ? [...names] : [...new Set([...names, by])],
    by,
    signal,
  );
  if (judge(answer).kind !== 'answered') return null;
  const { results, errors } = answer.body as { results: unknown[]; errors?: unknown };
  const keyOf = (held: Held) => (by === null ? held.hubspotId : (held.properties[by] ?? ''));
  const found = new Map(results.flatMap(toHeld).map((held) => [normal(keyOf(held), by), held]));
  const missing = new Set(missingIds(errors).map((id) => normal(id, by)));
  return {
    found: new Map(ids.flatMap((id) => withKey(id, found.get(normal(id, by))))),
    missing: new Set(ids.filter((id) => missing.has(normal(id, by)))),
  };
}

function withKey(id: string, held: Held | undefined): [string, Held][] {
  return held === undefined ? [] : [[id, held]];
}

function normal(value: string, by: string | null): string {
  return by === 'email' ? value.trim().toLowerCase() : value;
}

function toHeld(result: unknown): Held[] {
  const { id, properties } = (result ?? {}) as { id?: unknown; properties?: unknown };
  if (typeof id !== 'string' && typeof id !== 'number') return [];
  const values = Object.entries((properties ?? {}) as Record<string, unknown>);
  return [
    {
      hubspotId: String(id),
      properties: Object.fromEntries(values.map(([name, value]) => [name, value == null ? '' : String(value)])),
    },
  ];
}

/** `context.ids` of the errors of a 207; other errors say nothing of a record. */
function missingIds(errors: unknown): string[] {
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((error: unknown) => {
    const { category, context } = (error ?? {}) as { category?: unknown; context?: { ids?: unknown } };
    return category === 'OBJECT_NOT_FOUND' && Array.isArray(context?.ids) ? context.ids.map(String) : [];
  });
}

/**
 * Whether HubSpot holds what was sent. It may write a value in its own way (an e-mail in lower case, a number or a
 * telephone number without its decoration, a moment to the millisecond), so only what a value says is compared. Pure.
 */
export function holdsSent(sent: Readonly<Record<string, string>>, held: Readonly<Record<string, string>>): boolean {
  return Object.entries(sent).every(([name, value]) =>
    saysSame(value, Object.hasOwn(held, name) ? (held[name] ?? '') : ''),
  );
}

function saysSame(sent: string, held: string): boolean {
  if (sent === held) return true;
  if (sent === '' || held === '') return false;
  if (isNumber(sent) && isNumber(held)) return plainNumber(sent) === plainNumber(held);
  if (/^\d{4}-\d\d-\d\d/.test(sent) && instant(sent) === instant(held)) return true;
  const bare = bareText(sent);
  return bare !== '' && bare === bareText(held);
}

function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(text);
}

function plainNumber(text: string): string {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const plain = `${whole.replace(/^0+(?=\d)/, '')}.${fraction.replace(/0+$/, '')}`;
  return text.startsWith('-') && /[1-9]/.test(plain) ? `-${plain}` : plain;
}

function instant(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
}

function bareText(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
