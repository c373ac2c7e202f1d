import { setTimeout as delay } from 'node:timers/promises';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { ANSWERS, missingScopes, type Reply, refusal } from './answers.ts';
import { addControls } from './controls.ts';
import { answerCall, scopeOf } from './crm.ts';
import { type Fault, Faults, replyOf } from './faults.ts';
import { Limits } from './limits.ts';
import { defaultOptions, type SandboxOptions } from './options.ts';
import { Portal } from './portal.ts';

/** `status` is what was answered, or would have been, had the connection lived. */
export type CallRecord = { at: number; method: string; path: string; status: number; inputs: string[]; fault: boolean };

export type Sandbox = { url: string; port: number; close(): Promise<void> };

export type State = {
  url: string;
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
    url: '',
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
  state.url = `http://127.0.0.1:${actual}`;
  return { url: state.url, port: actual, close: () => server.close() };
}

async function serve(state: State, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { method, body } = request;
  const url = new URL(request.url, state.url);
  const text = typeof body === 'string' ? body : '';
  const at = Date.now();
  state.callCount += 1;
  if (state.options.latencyMs > 0) await delay(state.options.latencyMs);
  const early = refuseCaller(state, request, url.pathname) ?? state.limits.take(state.options, at);
  const fault = early === null ? state.faults.meet(url.pathname, text) : null;
  if (fault?.delayMs !== undefined) await delay(fault.delayMs);
  const answer = early ?? carryOut(state, { method, url, text }, fault);
  if (state.options.keepsCalls)
    state.calls.push({
      at,
      method,
      path: url.pathname,
      status: answer.status,
      inputs: inputIds(text),
      fault: fault !== null,
    });
  for (const [name, value] of Object.entries(state.limits.headers(state.options))) reply.header(name, value);
  return fault?.action === undefined ? send(reply, answer) : spoil(reply, answer, fault.action);
}

function refuseCaller({ options }: State, { method, headers }: FastifyRequest, path: string): Reply | null {
  if (headers.authorization !== `Bearer ${options.token}`) return ANSWERS.unauthorized();
  const scope = scopeOf({ method, path });
  return scope === null || options.scopes === null || options.scopes.includes(scope) ? null : missingScopes([scope]);
}

type Carried = { method: string; url: URL; text: string };

/** What the call is answered with; whether and when it is carried out may be a fault's doing. */
function carryOut(state: State, { method, url, text }: Carried, fault: Fault | null): Reply {
  const instead = fault === null ? null : replyOf(fault);
  const writes = fault?.writes ?? (instead === null && fault?.action !== 'hang' ? 'now' : 'no');
  const perform = (): Reply => {
    const body = parse(text);
    if (text !== '' && body === undefined) return refusal('Invalid input JSON on line 1, column 1: not JSON');
    const { portal, options, limits } = state;
    return answerCall(
      { method, path: url.pathname, query: url.searchParams, body },
      { portal, options, callsToday: limits.daily },
    );
  };
  const answer = writes === 'now' ? perform() : { status: 200, body: {} };
  if (typeof writes === 'number') setTimeout(perform, writes).unref();
  return instead ?? answer;
}

function send(reply: FastifyReply, { status, body, text, headers = {} }: Reply): unknown {
  reply.code(status);
  if (text !== undefined) reply.header('content-type', 'text/html');
  else if (body !== undefined) reply.header('content-type', 'application/json;charset=utf-8');
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  return reply.send(text ?? (body === undefined ? undefined : JSON.stringify(body)));
}

function spoil(reply: FastifyReply, answer: Reply, action: NonNullable<Fault['action']>): unknown {
  switch (action) {
    case 'hang':
      return reply.hijack();
    case 'reset':
      reply.hijack();
      reply.raw.socket?.destroy();
      return reply;
    case 'stall':
    case 'cut':
      return breakOff(reply, answer, action);
    case 'truncate': {
      const text = JSON.stringify(answer.body ?? {});
      return send(reply, { status: answer.status, text: text.slice(0, text.length / 2), headers: JSON_TYPE });
    }
    case 'empty-results':
    case 'drop-results':
      return send(reply, { ...answer, body: withoutResults(answer.body, action) });
  }
}

const JSON_TYPE = { 'content-type': 'application/json;charset=utf-8' };

/** Half of the body arrives; then nothing more, or the end of the connection. */
function breakOff(reply: FastifyReply, { status, body }: Reply, action: 'stall' | 'cut'): unknown {
  const text = JSON.stringify(body ?? {});
  reply.hijack();
  reply.raw.writeHead(status, { ...JSON_TYPE, 'content-length': Buffer.byteLength(text) });
  reply.raw.write(text.slice(0, text.length / 2), () => {
    if (action === 'cut') reply.raw.destroy();
  });
  return reply;
}

function withoutResults(body: unknown, action: 'empty-results' | 'drop-results'): unknown {
  const { results } = (body ?? {}) as { results?: unknown };
  if (action === 'empty-results') return { ...(body as object), results: [] };
  return Array.isArray(results)
    ? { ...(body as object), results: results.slice(0, Math.floor(results.length / 2)) }
    : body;
}

function inputIds(text: string): string[] {
  const { inputs } = (parse(text) ?? {}) as { inputs?: ({ id?: unknown } | null)[] };
  return Array.isArray(inputs) ? inputs.map((input) => String(input?.id)) : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
