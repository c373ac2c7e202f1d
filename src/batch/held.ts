import type { Hubspot } from '../hubspot/client.ts';
import { judge } from '../hubspot/responses.ts';

/** A record as HubSpot holds it. */
export type Held = { hubspotId: string; properties: Record<string, string> };

/** What HubSpot said of records that were asked for; those it said nothing of are in neither. */
export type Holding = { found: Map<string, Held>; missing: Set<string>; calls: number };

type Asked = { type: string; names: readonly string[]; by: string | null };

/**
 * Reads up to 100 records back, by record id (`by` null) or by a property with unique values. Null when HubSpot gave no
 * answer that can be used. Source: POST /crm/v3/objects/{type}/batch/read.
 */
export async function readHeld(
  hubspot: Hubspot,
  asked: Asked,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Holding | null> {
  if (ids.length === 0) return { found: new Map(), missing: new Set(), calls: 0 };
  const answer = await read(hubspot, asked, ids, signal);
  if (answer === null) return null;
  const { found, missing, strangers } = answer;
  // Found by another id than it comes back with (a secondary e-mail, a merged record): asked for alone, it is told apart.
  const unsaid = strangers === 0 || ids.length === 1 ? [] : ids.filter((id) => !found.has(id) && !missing.has(id));
  for (const id of unsaid) {
    const alone = await read(hubspot, asked, [id], signal);
    const held = alone?.found.get(id);
    if (held !== undefined) found.set(id, held);
    if (alone?.missing.has(id)) missing.add(id);
  }
  return { found, missing, calls: 1 + unsaid.length };
}

/** `strangers`: records that came back and were not asked for, by what they call themselves. */
async function read(
  hubspot: Hubspot,
  { type, names, by }: Asked,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<(Omit<Holding, 'calls'> & { strangers: number }) | null> {
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
  const returned = results.flatMap(toHeld);
  const byKey = new Map(returned.map((held) => [normal(keyOf(held), by), held]));
  const missing = new Set(missingIds(errors).map((id) => normal(id, by)));
  const found = new Map(ids.flatMap((id) => withKey(id, byKey.get(normal(id, by)))));
  const [only] = returned;
  const [id] = ids;
  // The one answer to the one question.
  if (ids.length === 1 && returned.length === 1 && id !== undefined && only !== undefined) found.set(id, only);
  return {
    found,
    missing: new Set(ids.filter((each) => missing.has(normal(each, by)))),
    strangers: Math.max(0, returned.length - found.size),
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
