import { problem, type Reply, refusal } from './answers.ts';
import { type Input, type Operation, refuseBatch, writeBatch } from './batch.ts';
import { typeName } from './definitions.ts';
import type { SandboxOptions } from './options.ts';
import type { ObjectStore, Portal } from './portal.ts';
import { answerProperties, answerPropertyBatch } from './properties.ts';
import { listRecords, readBatch, readOne } from './records.ts';

export type Call = { method: string; path: string; query: URLSearchParams; body: unknown };

type Account = { portal: Portal; options: SandboxOptions; callsToday: number };

/** What HubSpot answers to a call, by its path. */
export function answerCall(call: Call, account: Account): Reply {
  const { method, path, query, body } = call;
  const [, area, type = '', first, second] =
    /^\/crm\/v3\/(objects|properties)\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
  if (area === undefined) return answerAccount(call, account);
  const store = account.portal.store(decodeURIComponent(type));
  if (store === undefined)
    return problem(400, 'INVALID_OBJECT_TYPE', `Unable to infer object type from: ${decodeURIComponent(type)}`);
  if (first === 'batch' && second !== undefined && method === 'POST')
    return area === 'objects'
      ? answerBatch(store, second, body, account.options)
      : answerPropertyBatch(store, second, body);
  if (second !== undefined) return noRoute(call);
  if (area === 'properties') return answerProperties(store, { method, name: first, query, body });
  if (method === 'POST' && first === 'gdpr-delete') return purge(store, body);
  if (method !== 'GET') return noRoute(call);
  return first === undefined ? listRecords(store, path, query) : readOne(store, decodeURIComponent(first), query);
}

function answerAccount(call: Call, { callsToday }: Account): Reply {
  if (call.path === '/account-info/v3/details')
    return { status: 200, body: { portalId: 123, timeZone: 'Europe/Berlin', accountType: 'DEVELOPER_TEST' } };
  if (call.path.startsWith('/account-info/v3/api-usage/daily'))
    return { status: 200, body: { results: [{ name: 'private-apps-api-calls-daily', currentUsage: callsToday }] } };
  return noRoute(call);
}

function answerBatch(store: ObjectStore, operation: string, body: unknown, options: SandboxOptions): Reply {
  const { inputs, properties, idProperty } = (body ?? {}) as Record<string, unknown>;
  if (!isListOfObjects(inputs)) return refusal('Invalid input JSON on line 1, column 1: inputs is required');
  switch (operation) {
    case 'upsert':
    case 'update':
    case 'create':
      return writeBatch(inputs, operation satisfies Operation, store, options, new Date().toISOString());
    case 'archive': {
      const refused = refuseBatch(inputs, operation, store);
      if (refused !== null) return refused;
      for (const { id } of inputs) store.archive(String(id));
      return { status: 204 };
    }
    case 'read':
      return readBatch(store, {
        inputs,
        properties: Array.isArray(properties) ? properties.map(String) : [],
        idProperty: typeof idProperty === 'string' ? idProperty : undefined,
      });
    default:
      return problem(404, 'OBJECT_NOT_FOUND', `No batch ${operation}`);
  }
}

function isListOfObjects(inputs: unknown): inputs is Input[] {
  return Array.isArray(inputs) && inputs.every((input) => typeof input === 'object' && input !== null);
}

/** The GDPR's right to be forgotten. */
function purge(store: ObjectStore, body: unknown): Reply {
  const { objectId, idProperty } = (body ?? {}) as { objectId?: unknown; idProperty?: string };
  const id = idProperty === undefined ? String(objectId) : store.find(idProperty, String(objectId))?.id;
  if (id !== undefined) store.archive(id);
  return { status: 204 };
}

function noRoute({ method, path }: Call): Reply {
  return problem(404, 'OBJECT_NOT_FOUND', `No route for ${method} ${path}`);
}

/** What a token must be allowed to do for a call; null when nothing in particular. */
export function scopeOf({ method, path }: Pick<Call, 'method' | 'path'>): string | null {
  const [, area, type = ''] = /^\/crm\/v3\/(objects|properties)\/([^/]+)/.exec(path) ?? [];
  if (area === undefined) return null;
  const right = method === 'GET' || path.endsWith('/batch/read') ? 'read' : 'write';
  const name = typeName(type) ?? type;
  return `crm.${area === 'objects' ? 'objects' : 'schemas'}.${/^(2-|p\d*_)/.test(name) ? 'custom' : name}.${right}`;
}
