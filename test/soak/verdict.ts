import { readMapping } from '../../src/config/readMapping.ts';
import { type ComparedObject, compare, type SandboxRecord } from '../support/shop.ts';
import { deserves, emailOf, readSources, type Source } from './deserved.ts';
import { knownBy } from './history.ts';
import type { SoakedShop } from './shop.ts';

/** Something that is not as it should be, and the records whose trail tells why. */
export type Finding = { text: string; object: string; ids: string[] };

export type Verdict = { findings: Finding[]; records: number; poison: Record<string, number> };

type Book = {
  source_id: string;
  status: string;
  hubspot_id: string | null;
  match_value: string | null;
  error_code: string | null;
  error_message: string | null;
  claimed_by: string | null;
};

/** Compares every record, every refusal and the outbox's own books with what the shop's tables say. */
export async function judge(shop: SoakedShop, mapping: string): Promise<Verdict> {
  const verdict: Verdict = { findings: [], records: 0, poison: {} };
  for (const object of readMapping(mapping).objects) {
    const records = await shop.sandbox.records(object.type);
    const [books] = await shop.connection.query('SELECT * FROM hubspot_data WHERE object = ?', [object.name]);
    const sources = await readSources(shop.url, object);
    const owned = await readOwned(shop, object.name);
    const kept = keptEmails(books as Book[], records, owned);
    verdict.records += sources.size;
    for (const { status, error_code } of books as Book[])
      if (status === 'poison') verdict.poison[error_code ?? ''] = (verdict.poison[error_code ?? ''] ?? 0) + 1;
    verdict.findings.push(
      ...(await differences(shop, object, records, accountedFor(books as Book[], owned))),
      ...strayStatuses(object, books as Book[], sources),
      ...undeserved(object, books as Book[], sources, kept),
      ...nobodySent(object, books as Book[], sources, kept),
      ...twins(object, books as Book[], records),
      ...strayReservations(object, books as Book[], owned),
    );
  }
  const [{ marks = 0 } = {}] = await shop.select<{ marks: number }>('SELECT COUNT(*) AS marks FROM hubspot_mark');
  if (Number(marks) > 0) verdict.findings.push({ text: `${marks} marks are left`, object: '', ids: [] });
  return verdict;
}

type Owned = ReadonlyMap<string, readonly string[]>;

/** The match values that each row has reserved. */
async function readOwned({ connection }: SoakedShop, object: string): Promise<Owned> {
  const [rows] = await connection.query('SELECT match_value, source_id FROM hubspot_match WHERE object = ?', [object]);
  const byOwner = Map.groupBy(rows as { match_value: string; source_id: string }[], ({ source_id }) => source_id);
  return new Map([...byOwner].map(([id, values]) => [id, values.map(({ match_value }) => match_value)]));
}

/** A record that a row may have been given before it left, or went bad, is that row's as long as it has the value reserved. */
function accountedFor(books: readonly Book[], owned: Owned): Set<string> {
  return new Set(
    books.flatMap(({ source_id, status }) => (status === 'synced' ? [] : [...(owned.get(source_id) ?? [])])),
  );
}

async function differences(
  shop: SoakedShop,
  object: ComparedObject,
  records: SandboxRecord[],
  accounted: ReadonlySet<string>,
): Promise<Finding[]> {
  const { differences } = await compare(shop, object, records);
  const findings = differences.map(async (text): Promise<Finding[]> => {
    const [, id] = /^\S+ (\S+?)[.:]/.exec(text) ?? [];
    const [, recordId] = /HubSpot's record (\d+)/.exec(text) ?? [];
    const record = records.find((each) => each.id === recordId);
    const value = record?.properties[object.matchOn] ?? '';
    if (record !== undefined && accounted.has(value)) return [];
    const ids = record === undefined ? [id ?? ''] : await knownBy(shop.connection, object.name, [record.id, value]);
    return [{ text, object: object.name, ids }];
  });
  return (await Promise.all(findings)).flat();
}

/** Synced or poison is just what the SELECT returns; nothing is claimed, nothing waits. */
function strayStatuses(
  { name }: ComparedObject,
  books: readonly Book[],
  sources: ReadonlyMap<string, Source>,
): Finding[] {
  const known = new Set(books.map(({ source_id }) => source_id));
  const missing = [...sources.keys()].filter((id) => !known.has(id));
  const wrong = books.filter(
    ({ source_id, status, claimed_by }) =>
      claimed_by !== null || !(sources.has(source_id) ? ['synced', 'poison'] : ['gone']).includes(status),
  );
  return [
    ...missing.map((id) => ({ text: `${name} ${id} is unknown to the outbox`, object: name, ids: [id] })),
    ...wrong.map(({ source_id, status, claimed_by }) => {
      const where = sources.has(source_id) ? 'the SELECT returns it' : 'the SELECT does not return it';
      return {
        text: `${name} ${source_id} is ${status}, claimed by ${claimed_by}, and ${where}`,
        object: name,
        ids: [source_id],
      };
    }),
  ];
}

function undeserved(
  { name }: ComparedObject,
  books: readonly Book[],
  sources: ReadonlyMap<string, Source>,
  kept: ReadonlySet<string>,
): Finding[] {
  const emails = [...sources.values()].map(emailOf);
  const shared = new Set(emails.filter((email, at) => emails.indexOf(email) !== at));
  return books.flatMap(({ source_id, status, error_code, error_message }) => {
    const source = sources.get(source_id);
    if (status !== 'poison' || source === undefined || deserves(error_code, source, shared, kept)) return [];
    const [, other] = /[Rr]ecord (\d{1,9})\b/.exec(error_message ?? '') ?? [];
    const text = `${name} ${source_id} (${source.email ?? source.order_number}) is poison without deserving it: ${error_code} ${error_message}`;
    return [{ text, object: name, ids: [source_id, ...(other === undefined ? [] : [other])] }];
  });
}

/** What contacts hold whose users are gone. */
function keptEmails(books: readonly Book[], records: readonly SandboxRecord[], owned: Owned): Set<string> {
  const gone = books.filter(({ status }) => status === 'gone');
  const ids = new Set(gone.map(({ hubspot_id }) => hubspot_id));
  const reserved = new Set(gone.flatMap(({ source_id }) => [...(owned.get(source_id) ?? [])]));
  const emails = records.map(({ id, properties: { email = '' } }) => ({ id, email: email ?? '' }));
  return new Set(emails.filter(({ id, email }) => ids.has(id) || reserved.has(email)).map(({ email }) => email));
}

/** Of those who share an e-mail one is sent, unless it is bad for another reason or a kept contact has it. */
function nobodySent(
  { name, matchOn }: ComparedObject,
  books: readonly Book[],
  sources: ReadonlyMap<string, Source>,
  kept: ReadonlySet<string>,
): Finding[] {
  if (matchOn !== 'email') return [];
  const codes = new Map(books.map(({ source_id, error_code }) => [source_id, error_code]));
  const groups = Map.groupBy([...sources], ([, source]) => emailOf(source));
  return [...groups].flatMap(([email, members]) => {
    const ids = members.map(([id]) => id);
    if (members.length < 2 || kept.has(email) || !ids.every((id) => codes.get(id) === 'DUPLICATE_MATCH')) return [];
    return [{ text: `${name} ${ids.join(', ')} share ${email}, and none of them is sent`, object: name, ids }];
  });
}

/** One contact of one user, one row of one record. */
function twins({ name, type }: ComparedObject, books: readonly Book[], records: readonly SandboxRecord[]): Finding[] {
  const users =
    type === 'contacts' ? Map.groupBy(records, ({ properties }) => properties.shop_user_id ?? '') : new Map();
  const owners = Map.groupBy(
    books.filter(({ status, hubspot_id }) => status !== 'gone' && hubspot_id !== null),
    ({ hubspot_id }) => hubspot_id ?? '',
  );
  return [
    ...[...(users as Map<string, SandboxRecord[]>)]
      .filter(([, same]) => same.length > 1)
      .map(([id, same]) => ({
        text: `${name} ${id} has ${same.length} records in HubSpot: ${same.map((each) => `${each.id} ${each.properties.email}`).join(', ')}`,
        object: name,
        ids: [
          id,
          ...books.filter((book) => same.some((each) => each.id === book.hubspot_id)).map((book) => book.source_id),
        ],
      })),
    ...[...owners]
      .filter(([, same]) => same.length > 1)
      .map(([record, same]) => ({
        text: `${name} ${same.map(({ source_id }) => source_id).join(', ')} all have the record ${record}`,
        object: name,
        ids: same.map(({ source_id }) => source_id),
      })),
  ];
}

/** A synced row owns the value it holds, or somebody else could be given it too. What it owns beside it passes on when it is wanted. */
function strayReservations({ name }: ComparedObject, books: readonly Book[], owned: Owned): Finding[] {
  return books.flatMap(({ source_id, status, match_value }) => {
    const values = owned.get(source_id) ?? [];
    if (status !== 'synced' || values.includes(match_value ?? '')) return [];
    const text = `${name} ${source_id} holds ${match_value} and owns ${JSON.stringify(values)}`;
    return [{ text, object: name, ids: [source_id] }];
  });
}
