import { type Input, type Operation, type Reply, refusal, writeBatch } from './batch.ts';
import { define } from './definitions.ts';
import type { SandboxOptions } from './options.ts';
import type { CrmRecord, ObjectStore, Portal } from './portal.ts';

type Call = { method: string; path: string; body: unknown };

/** What HubSpot answers to a call, by its path. */
export function answerCall(
  { method, path, body }: Call,
  portal: Portal,
  options: SandboxOptions,
  daily: number,
): Reply {
  const now = new Date().toISOString();
  const [, batchType, operation] = /^\/crm\/v3\/objects\/([^/]+)\/batch\/(\w+)$/.exec(path) ?? [];
  if (method === 'POST' && batchType !== undefined && operation !== undefined) {
    const store = portal.store(batchType);
    return store === undefined ? noType(batchType) : answerBatch(store, operation, body, options, now);
  }
  const [, propertyType, isBatch] = /^\/crm\/v3\/properties\/([^/]+)(\/batch\/create)?$/.exec(path) ?? [];
  if (propertyType !== undefined) {
    const store = portal.store(propertyType);
    return store === undefined ? noType(propertyType) : answerProperties(store, method, isBatch !== undefined, body);
  }
  const [, type, id] = /^\/crm\/v3\/objects\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (method === 'GET' && type !== undefined && id !== undefined) return readOne(portal.store(type), id);
  if (path === '/account-info/v3/details')
    return { status: 200, body: { portalId: 123, timeZone: 'Europe/Berlin', accountType: 'DEVELOPER_TEST' } };
  if (path.startsWith('/account-info/v3/api-usage/daily'))
    return { status: 200, body: { results: [{ name: 'private-apps-api-calls-daily', currentUsage: daily }] } };
  return {
    status: 404,
    body: { status: 'error', message: `No route for ${method} ${path}`, category: 'OBJECT_NOT_FOUND' },
  };
}

function answerBatch(
  store: ObjectStore,
  operation: string,
  body: unknown,
  options: SandboxOptions,
  now: string,
): Reply {
  const {
    inputs,
    properties = [],
    idProperty,
  } = (body ?? {}) as { inputs?: Input[]; properties?: string[]; idProperty?: string };
  if (!Array.isArray(inputs)) return refusal('Invalid input JSON on line 1, column 1: inputs is required');
  switch (operation) {
    case 'upsert':
    case 'update':
    case 'create':
      return writeBatch(inputs, operation satisfies Operation, store, options, now);
    case 'archive':
      for (const { id } of inputs) store.archive(String(id));
      return { status: 204, body: undefined };
    case 'read':
      return readBatch(store, inputs, properties, idProperty);
    default:
      return { status: 404, body: { status: 'error', message: `No batch ${operation}`, category: 'OBJECT_NOT_FOUND' } };
  }
}

function readBatch(
  store: ObjectStore,
  inputs: readonly Input[],
  names: readonly string[],
  idProperty: string | undefined,
): Reply {
  const found = inputs.map(({ id }) =>
    idProperty === undefined ? store.records.get(String(id)) : store.find(idProperty, String(id)),
  );
  const results = found.flatMap((record) => (record === undefined ? [] : [pick(record, names)]));
  const missing = inputs.filter((_, index) => found[index] === undefined).map(({ id }) => String(id));
  if (missing.length === 0) return { status: 200, body: { status: 'COMPLETE', results } };
  const error = {
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    message: 'Could not get some objects, they may be deleted or not exist. Check that ids are valid.',
    context: { ids: missing },
  };
  return { status: 207, body: { status: 'COMPLETE', results, numErrors: 1, errors: [error] } };
}

function pick(record: CrmRecord, names: readonly string[]) {
  const wanted = [...names, 'hs_object_id', 'createdate', 'lastmodifieddate'];
  return {
    ...record,
    properties: Object.fromEntries(
      wanted.flatMap((name) => (name in record.properties ? [[name, record.properties[name]]] : [])),
    ),
  };
}

function answerProperties(store: ObjectStore, method: string, isBatch: boolean, body: unknown): Reply {
  if (method === 'GET')
    return { status: 200, body: { results: [...store.definitions.values()].filter(({ archived }) => !archived) } };
  const wanted =
    (isBatch ? (body as { inputs: Parameters<typeof define>[0][] }).inputs : [body as Parameters<typeof define>[0]]) ??
    [];
  const made = wanted.map(define);
  const known = made.find(({ name }) => store.definitions.has(name));
  if (known !== undefined)
    return {
      status: 409,
      body: {
        status: 'error',
        message: `A property named '${known.name}' already exists.`,
        category: 'OBJECT_ALREADY_EXISTS',
      },
    };
  for (const definition of made) store.definitions.set(definition.name, definition);
  return isBatch ? { status: 201, body: { status: 'COMPLETE', results: made } } : { status: 201, body: made[0] };
}

function readOne(store: ObjectStore | undefined, id: string): Reply {
  const record = store?.records.get(id);
  return record === undefined
    ? { status: 404, body: { status: 'error', message: 'resource not found', category: 'OBJECT_NOT_FOUND' } }
    : { status: 200, body: record };
}

function noType(type: string): Reply {
  return {
    status: 400,
    body: { status: 'error', message: `Unable to infer object type from: ${type}`, category: 'INVALID_OBJECT_TYPE' },
  };
}
