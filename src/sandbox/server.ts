import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Reply } from './batch.ts';
import { answerCall } from './crm.ts';
import { type Fault, Faults } from './faults.ts';
import { Limits } from './limits.ts';
import { defaultOptions, type SandboxOptions } from './options.ts';
import { Portal } from './portal.ts';

export type CallRecord = { at: number; method: string; path: string; status: number; inputs: string[]; fault: boolean };

export type Sandbox = { url: string; port: number; close(): Promise<void> };

type State = {
  options: SandboxOptions;
  portal: Portal;
  limits: Limits;
  faults: Faults;
  calls: CallRecord[];
  callCount: number;
};

/** A HubSpot on this machine, with an account of its own that forgets everything when it stops. */
export async function startSandbox(options: Partial<SandboxOptions> & { port?: number } = {}): Promise<Sandbox> {
  const { port = 0, ...given } = options;
  const state: State = {
    options: { ...defaultOptions, ...given },
    portal: new Portal(),
    limits: new Limits(),
    faults: new Faults(),
    calls: [],
    callCount: 0,
  };
  const server = Fastify({ bodyLimit: 64 * 1024 * 1024, forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  addControls(server, state);
  server.all('/*', (request, reply) => serve(state, request, reply));
  await server.listen({ host: '127.0.0.1', port });
  const [address] = server.addresses();
  const actual = typeof address === 'object' ? address.port : port;
  return { url: `http://127.0.0.1:${actual}`, port: actual, close: () => server.close() };
}

async function serve(state: State, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const path = request.url.split('?')[0] ?? '/';
  const text = typeof request.body === 'string' ? request.body : '';
  const at = Date.now();
  state.callCount += 1;
  if (state.options.latencyMs > 0) await delay(state.options.latencyMs);
  const early = refuseCaller(state, request) ?? state.limits.take(state.options.plan, at);
  const fault = early === null ? state.faults.meet(path, text) : null;
  if (fault?.delayMs !== undefined) await delay(fault.delayMs);
  const answer = early ?? carryOut(state, request.method, path, text, fault);
  const status = fault?.respond?.status ?? answer.status;
  if (state.options.keepsCalls)
    state.calls.push({ at, method: request.method, path, status, inputs: inputIds(text), fault: fault !== null });
  for (const [name, value] of Object.entries(state.limits.headers(state.options.plan))) reply.header(name, value);
  return fault === null ? send(reply, answer) : spoil(reply, answer, fault);
}

function refuseCaller({ options }: State, request: FastifyRequest): Reply | null {
  if (request.headers.authorization === `Bearer ${options.token}`) return null;
  return {
    status: 401,
    body: {
      status: 'error',
      message: 'Authentication credentials not found.',
      correlationId: randomUUID(),
      category: 'INVALID_AUTHENTICATION',
    },
  };
}

function carryOut(state: State, method: string, path: string, text: string, fault: Fault | null): Reply {
  const perform = () =>
    answerCall({ method, path, body: parse(text) }, state.portal, state.options, state.limits.daily);
  const writes = fault?.writes ?? (fault?.respond === undefined && fault?.action !== 'hang' ? 'now' : 'no');
  if (writes === 'now') return perform();
  if (typeof writes === 'number') setTimeout(perform, writes).unref();
  return { status: 200, body: {} };
}

function send(reply: FastifyReply, { status, body }: Reply): unknown {
  reply.code(status);
  if (body === undefined) return reply.send();
  return reply.header('content-type', 'application/json;charset=utf-8').send(JSON.stringify(body));
}

function spoil(reply: FastifyReply, answer: Reply, fault: Fault): unknown {
  const { respond, action } = fault;
  if (action === 'hang') return reply.hijack();
  if (action === 'reset') {
    reply.hijack();
    reply.raw.socket?.destroy();
    return reply;
  }
  if (respond !== undefined) {
    reply.code(respond.status);
    for (const [name, value] of Object.entries(respond.headers ?? {})) reply.header(name, value);
    if (respond.text !== undefined) return reply.header('content-type', 'text/html').send(respond.text);
    if (respond.body === undefined) return reply.send();
    return reply.header('content-type', 'application/json').send(JSON.stringify(respond.body));
  }
  const text = JSON.stringify(changed(answer.body, action));
  return reply
    .code(answer.status)
    .header('content-type', 'application/json')
    .send(action === 'truncate' ? text.slice(0, text.length / 2) : text);
}

function changed(body: unknown, action: Fault['action']): unknown {
  const { results } = (body ?? {}) as { results?: unknown[] };
  if (action === 'empty-results') return { ...(body as object), results: [] };
  if (action === 'drop-results' && Array.isArray(results))
    return { ...(body as object), results: results.slice(0, Math.floor(results.length / 2)) };
  return body;
}

/** Control for tests and for people who want to see HubSpot misbehave; needs no token. */
function addControls(server: FastifyInstance, state: State): void {
  const base = '/__sandbox';
  server.get(`${base}/records/:type`, async (request) => {
    const { type } = request.params as { type: string };
    return [...(state.portal.store(type)?.records.values() ?? [])];
  });
  server.get(`${base}/calls`, async () => state.calls);
  server.get(`${base}/counts`, async () => ({
    calls: state.callCount,
    daily: state.limits.daily,
    refused: state.limits.refused,
  }));
  server.post(`${base}/options`, async (request) => {
    Object.assign(state.options, parse(String(request.body)));
    return state.options;
  });
  server.post(`${base}/faults`, async (request) => ({ id: state.faults.add(parse(String(request.body)) as Fault) }));
  server.delete(`${base}/faults`, async () => {
    state.faults.clear();
    return {};
  });
  server.delete(`${base}/faults/:id`, async (request) => {
    state.faults.clear((request.params as { id: string }).id);
    return {};
  });
  server.delete(`${base}/calls`, async () => {
    state.calls.length = 0;
    state.callCount = 0;
    state.limits.reset();
    return {};
  });
}

function inputIds(text: string): string[] {
  const { inputs } = (parse(text) ?? {}) as { inputs?: { id?: unknown }[] };
  return Array.isArray(inputs) ? inputs.map(({ id }) => String(id)) : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
