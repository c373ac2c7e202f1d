import type { Executed } from './application.ts';
import { historyOf, ownersOf } from './history.ts';
import type { RecordedCall } from './recorder.ts';
import type { SoakedShop } from './shop.ts';

type Line = { at: number; text: string };
type Input = { id?: string; properties?: Record<string, string>; objectWriteTraceId?: string };
export type Trails = {
  shop: SoakedShop;
  executed: readonly Executed[];
  said: readonly { at: number; n: number; text: string }[];
};

/** Everything that befell a record, in the order it happened: statements, changes of the outbox's books, calls. */
export async function trailOf({ shop, executed, said }: Trails, object: string, id: string): Promise<string[]> {
  const changes = await historyOf(shop.connection, object, id);
  const names = new Set<string>();
  for (const { said: text } of changes) {
    for (const [, name] of text.matchAll(/(?:match|hubspot)=(\S+)/g))
      if (name !== 'NULL' && name !== '') names.add(name ?? '');
  }
  for (const { what, said: text } of changes)
    if (what.startsWith('match') || what.startsWith('duplicate')) names.add(text);
  const workers = new Set(changes.flatMap(({ said: text }) => /claim=\S*?-(\d+)-/.exec(text)?.[1] ?? []));
  const claimers = new Set(
    said.filter(({ text }) => workers.has(/process (\d+)/.exec(text)?.[1] ?? '')).map(({ n }) => n),
  );
  const own = object === 'contacts' ? 'shop_user_id' : 'order_number';
  const lines: Line[] = [
    ...executed.filter((each) => touches(each, object, Number(id))).map(toLine),
    ...changes.map(({ at, what, said: text }) => ({ at: momentOf(at), text: `  ${what.padEnd(16)} ${text}` })),
    ...shop.calls.flatMap((call) => callLines(call, own, id, names)),
    ...said
      .filter(({ n, text }) => claimers.has(n) && /^(SIG|ended|started,)|"(warn|error|fatal)"/.test(text))
      .map(({ at, n, text }) => ({ at, text: `      worker ${n} ${text.slice(0, 250)}` })),
  ];
  for (const name of names) {
    const owners = (await ownersOf(shop.connection, object, name)).filter((change) => change.id !== id);
    lines.push(
      ...owners.map(({ at, what, id: other }) => ({ at: momentOf(at), text: `  ${what} ${name} of ${other}` })),
    );
  }
  lines.sort((a, b) => a.at - b.at);
  return lines.map(({ at, text }) => `${new Date(at).toISOString().slice(11, 23)} ${text}`);
}

function touches({ users, orders }: Executed, object: string, id: number): boolean {
  const ids = object === 'contacts' ? users : orders;
  return ids === 'all' || ids?.includes(id) === true;
}

function toLine({ at, tookMs, session, sql, outcome }: Executed): Line {
  return { at: at + tookMs, text: `${session} (${tookMs} ms, ${outcome}): ${sql.replace(/\s+/g, ' ')}` };
}

/** The moment at which the database's clock showed this time of the day, close to now. */
function momentOf(time: string): number {
  const today = new Date().toISOString().slice(0, 10);
  const at = Date.parse(`${today}T${time.slice(0, 12)}Z`);
  return at > Date.now() + 43_200_000 ? at - 86_400_000 : at;
}

function callLines(
  { at, endedAt, path, from, status, sent, received }: RecordedCall,
  own: string,
  id: string,
  names: ReadonlySet<string>,
): Line[] {
  const inputs = (parse(sent).inputs ?? []) as Input[];
  const mine = inputs.filter(
    (input) =>
      input?.properties?.[own] === id || names.has(String(input?.id).toLowerCase()) || names.has(String(input?.id)),
  );
  if (mine.length === 0) return [];
  const what = path.replace('/crm/v3/objects/', '');
  const asked = mine.map((input) => `${input.id} ${JSON.stringify(shortened(input.properties))}`).join(' | ');
  const told = answersFor(mine, parse(received), inputs.length);
  const lines = [{ at, text: `    → ${what} :${from} (${inputs.length} inputs) ${asked}` }];
  const took = endedAt === null ? 'never ended' : `after ${endedAt - at} ms`;
  lines.push({ at: endedAt ?? at, text: `    ← ${what} :${from} ${status ?? 'no answer'} ${took}: ${told}` });
  return lines;
}

const SHOWN = ['email', 'shop_user_id', 'firstname', 'lastname', 'company', 'order_number', 'amount'];

function shortened(properties: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(
    SHOWN.flatMap((name) => (properties?.[name] === undefined ? [] : [[name, properties[name]]])),
  );
}

type Answer = { results?: { id: string; properties?: Record<string, string> }[]; errors?: unknown[]; message?: string };

function answersFor(mine: readonly Input[], answer: Answer, count: number): string {
  const { results = [], errors = [], message } = answer;
  const own = results.filter(({ id, properties }) =>
    mine.some(
      (input) => input.id === id || String(input.id).toLowerCase() === (properties?.email ?? properties?.order_number),
    ),
  );
  const refused = errors.filter((error) => {
    const text = JSON.stringify(error);
    return mine.some(
      ({ id, objectWriteTraceId }) => text.includes(objectWriteTraceId ?? '\0') || text.includes(`"${id}"`),
    );
  });
  const told = own.map(({ id, properties }) => `${id}=${properties?.email ?? properties?.order_number}`);
  return `${results.length} results, ${errors.length} errors of ${count}; ${[...told, ...refused.map((error) => JSON.stringify(error).slice(0, 300)), message?.slice(0, 300) ?? ''].join(' ')}`;
}

function parse(bytes: Buffer): Record<string, never> {
  try {
    return JSON.parse(bytes.toString()) ?? {};
  } catch {
    return {};
  }
}
