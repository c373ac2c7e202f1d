import { problem, type Reply, refusal } from './answers.ts';
import { type Input, notFound, partly, refuseBatch } from './batch.ts';
import type { CrmRecord, ObjectStore } from './portal.ts';

const ALWAYS = ['hs_object_id', 'createdate', 'lastmodifieddate'];

type ReadRequest = { inputs: readonly Input[]; properties: readonly string[]; idProperty: string | undefined };

export function readBatch(store: ObjectStore, { inputs, properties, idProperty }: ReadRequest): Reply {
  const refused = refuseBatch(
    inputs.map(({ id }) => (idProperty === undefined ? { id: String(id) } : { id: String(id), idProperty })),
    'read',
    store,
  );
  if (refused !== null) return refused;
  const found = inputs.map(({ id }) => findRecord(store, String(id), idProperty));
  const results = found.flatMap((record) => (record === undefined ? [] : [pick(record, properties)]));
  const missing = inputs.filter((_, index) => found[index] === undefined).map(({ id }) => String(id));
  if (missing.length === 0) return { status: 200, body: { status: 'COMPLETE', results } };
  return partly(results, [notFound(missing)]);
}

export function readOne(store: ObjectStore, id: string, query: URLSearchParams): Reply {
  const record = findRecord(store, id, query.get('idProperty') ?? undefined);
  if (record === undefined) return problem(404, 'OBJECT_NOT_FOUND', 'resource not found');
  return { status: 200, body: pick(record, names(query)) };
}

/** A page of records, oldest first: `?limit=100&after=…&properties=email,phone`. */
export function listRecords(store: ObjectStore, path: string, query: URLSearchParams): Reply {
  const limit = Number(query.get('limit') ?? 10);
  const after = Number(query.get('after') ?? 0);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) return refusal('limit must be from 1 to 100');
  if (!Number.isInteger(after) || after < 0) return refusal('after is not a cursor of an earlier page');
  const page: CrmRecord[] = [];
  for (const record of store.records.values()) {
    if (Number(record.id) <= after) continue;
    if (page.length < limit) page.push(record);
    else return { status: 200, body: { results: results(page, query), paging: nextPage(page, path, limit) } };
  }
  return { status: 200, body: { results: results(page, query) } };
}

function nextPage(page: readonly CrmRecord[], path: string, limit: number) {
  const after = page.at(-1)?.id ?? '0';
  return { next: { after, link: `${path}?limit=${limit}&after=${after}` } };
}

function results(page: readonly CrmRecord[], query: URLSearchParams) {
  return page.map((record) => pick(record, names(query)));
}

function names(query: URLSearchParams): string[] {
  return query.getAll('properties').flatMap((list) => list.split(','));
}

function findRecord(store: ObjectStore, id: string, idProperty: string | undefined): CrmRecord | undefined {
  return idProperty === undefined ? store.records.get(id) : store.find(idProperty, id);
}

function pick(record: CrmRecord, properties: readonly string[]): CrmRecord {
  const wanted = [...properties, ...ALWAYS].flatMap((name) => {
    const value = record.properties[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...record, properties: Object.fromEntries(wanted) };
}
