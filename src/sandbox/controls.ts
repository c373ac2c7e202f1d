import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { define, type Short } from './definitions.ts';
import { faultSchema } from './faults.ts';
import { optionsSchema } from './options.ts';
import { archive, changed } from './properties.ts';
import type { State } from './server.ts';

const BASE = '/__sandbox';

const propertySchema = z.strictObject({
  name: z.string().optional(),
  label: z.string().optional(),
  type: z.string().optional(),
  fieldType: z.string().optional(),
  groupName: z.string().optional(),
  options: z.array(z.looseObject({ value: z.string(), label: z.string().optional() })).optional(),
  hasUniqueValue: z.boolean().optional(),
  calculated: z.boolean().optional(),
  externalOptions: z.boolean().optional(),
  archived: z.boolean().optional(),
  isReadOnly: z.boolean().optional(),
});

/** Control for tests and for people who want to see HubSpot misbehave; needs no token. */
export function addControls(server: FastifyInstance, state: State): void {
  server.get('/', (_, reply) => reply.type('text/plain; charset=utf-8').send(help(state)));
  server.get(BASE, (_, reply) => reply.type('text/plain; charset=utf-8').send(help(state)));
  addLooks(server, state);
  addFaults(server, state);
  addProperties(server, state);
  server.post(`${BASE}/options`, (request, reply) =>
    take(reply, optionsSchema.partial(), request.body, (options) => Object.assign(state.options, options)),
  );
  server.all(`${BASE}/*`, ({ method, url }, reply) =>
    complain(reply, 404, `${method} ${url} is no control of the sandbox`, `curl ${state.url}/`),
  );
}

function addLooks(server: FastifyInstance, state: State): void {
  server.get(`${BASE}/records/:type`, async (request, reply) => {
    const { type } = request.params as { type: string };
    const store = state.portal.store(type);
    return store === undefined
      ? complain(reply, 404, `HubSpot has no object type ${type}`, `${BASE}/records/contacts`)
      : [...store.records.values()];
  });
  server.get(`${BASE}/calls`, async () => state.calls);
  server.get(`${BASE}/counts`, async () => ({
    calls: state.callCount,
    daily: state.limits.daily,
    refused: state.limits.refused,
  }));
  server.delete(`${BASE}/calls`, async () => {
    state.calls.length = 0;
    state.callCount = 0;
    state.limits.reset();
    return {};
  });
}

function addFaults(server: FastifyInstance, state: State): void {
  server.get(`${BASE}/faults`, async () => state.faults.list());
  server.post(`${BASE}/faults`, (request, reply) =>
    take(reply, faultSchema, request.body, (fault) => ({ id: state.faults.add(fault) })),
  );
  server.delete(`${BASE}/faults`, async () => {
    state.faults.clear();
    return {};
  });
  server.delete(`${BASE}/faults/:id`, async (request) => {
    state.faults.clear((request.params as { id: string }).id);
    return {};
  });
}

/** What an administrator of the account may do while the worker runs. */
function addProperties(server: FastifyInstance, state: State): void {
  const path = `${BASE}/properties/:type/:name`;
  server.patch(path, (request, reply) =>
    take(reply, propertySchema, request.body, (changes) => {
      const { type, name } = request.params as { type: string; name: string };
      const store = state.portal.store(type);
      const known = store?.definitions.get(name);
      if (store === undefined) return complain(reply, 404, `HubSpot has no object type ${type}`, 'contacts');
      const short = { ...changes, name } as Short;
      store.define(known === undefined ? define(short) : changed(known, short));
      return store.definitions.get(name);
    }),
  );
  server.delete(path, async (request, reply) => {
    const { type, name } = request.params as { type: string; name: string };
    const store = state.portal.store(type);
    if (store !== undefined && archive(store, name)) return {};
    return complain(reply, 404, `HubSpot has no property ${name} for ${type}`, `GET /crm/v3/properties/${type}`);
  });
}

/** Runs a control with a body that is as it should be; else says everything that is wrong with it. */
async function take<T>(reply: FastifyReply, schema: z.ZodType<T>, text: unknown, run: (body: T) => unknown) {
  let json: unknown;
  try {
    json = JSON.parse(String(text));
  } catch (error) {
    return complain(reply, 400, `the body is not JSON: ${(error as Error).message}`, `-d '{"latencyMs": 100}'`);
  }
  const body = schema.safeParse(json);
  return body.success ? run(body.data) : complain(reply, 400, z.prettifyError(body.error), 'GET / for examples');
}

function complain(reply: FastifyReply, status: number, error: string, attempt: string) {
  reply.code(status);
  return { error, try: attempt };
}

function help({ url, options: { plan, token } }: State): string {
  return `A sandbox HubSpot with the limits of the ${plan} plan. It forgets everything when it stops.

Its API is HubSpot's, with this token:
  curl -H 'Authorization: Bearer ${token}' '${url}/crm/v3/objects/contacts?limit=10&properties=email'

Without a token:
  GET    ${BASE}/records/contacts         what it holds
  GET    ${BASE}/calls                    the calls it got; DELETE forgets them and fills up the limits
  GET    ${BASE}/counts                   how many
  POST   ${BASE}/options                  how it behaves: {"latencyMs": 150, "refusals": "silent"}
  POST   ${BASE}/faults                   misbehave: {"path": "batch/upsert", "answer": "bad-gateway", "times": 3}
  GET    ${BASE}/faults                   DELETE ends them all, DELETE ${BASE}/faults/ID one
  PATCH  ${BASE}/properties/contacts/city change or add a property: {"isReadOnly": true}; DELETE removes it
`;
}
