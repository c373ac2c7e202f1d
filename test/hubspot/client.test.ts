import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import {
  BatchApi,
  createConfiguration,
  ServerConfiguration,
} from '@hubspot/api-client/lib/codegen/crm/objects/index.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Breaker } from '../../src/hubspot/breaker.ts';
import { createHubspot, type Hubspot, type HubspotOptions } from '../../src/hubspot/client.ts';
import { Pace } from '../../src/hubspot/pace.ts';
import type { Fault } from '../../src/sandbox/faults.ts';
import { until } from '../support/program.ts';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox?.close());
afterEach(async () => {
  await sandbox.clearFaults();
  await sandbox.clearCalls();
});

const never = new AbortController().signal;
const breakers: Breaker[] = [];
afterAll(() => {
  for (const breaker of breakers) breaker.shutdown();
});

/** HubSpot as the worker calls it, with a circuit that stays closed. */
function connect(options: Partial<HubspotOptions> = {}): Hubspot {
  const breaker = new Breaker({ leastCalls: 1_000_000 });
  breakers.push(breaker);
  const { url: baseUrl, token } = sandbox;
  return createHubspot({ token, baseUrl, timeoutMs: 60_000, pace: new Pace(1_000), breaker, ...options });
}

const input = (email: string, firstname = 'Ada') => ({
  id: email,
  idProperty: 'email',
  objectWriteTraceId: `trace of ${email}`,
  properties: { email, firstname },
});

function upsert(fault: Fault, options: Partial<HubspotOptions> = {}, signal = never) {
  return sandbox
    .fault({ path: 'batch/upsert', times: 1, ...fault })
    .then(() => connect(options).upsert('contacts', [input('ada@example.com')], signal));
}

describe('calling HubSpot', () => {
  it('upserts, reads by another property, updates by id, and archives', async () => {
    const hubspot = connect();
    const written = await hubspot.upsert('contacts', [input('life@example.com')], never);
    expect(written).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringContaining('application/json') },
      body: { results: [{ id: expect.any(String), new: true, properties: { email: 'life@example.com' } }] },
    });
    expect(written.failure).toBeUndefined();
    expect(written.latencyMs).toBeGreaterThan(0);

    const [{ id }] = (written.body as { results: [{ id: string }] }).results;
    const read = await hubspot.read('contacts', ['life@example.com'], ['firstname'], 'email', never);
    expect(read).toMatchObject({ status: 200, body: { results: [{ id, properties: { firstname: 'Ada' } }] } });

    const updated = await hubspot.update('contacts', [{ id, properties: { firstname: 'Grace' } }], never);
    expect(updated).toMatchObject({ status: 200, body: { results: [{ id, properties: { firstname: 'Grace' } }] } });
    const again = await hubspot.read('contacts', [id], ['firstname'], null, never);
    expect(again).toMatchObject({ body: { results: [{ id, properties: { firstname: 'Grace' } }] } });

    expect(await hubspot.archive('contacts', [id], never)).toMatchObject({ status: 204, body: undefined });
    expect(await hubspot.read('contacts', [id], ['firstname'], null, never)).toMatchObject({
      status: 207,
      body: { results: [], errors: [{ context: { ids: [id] } }] },
    });
  });

  it('reads the properties of an object type', async () => {
    const { status, body } = await connect().definitions('contacts', never);
    expect(status).toBe(200);
    expect((body as { results: { name: string }[] }).results.map(({ name }) => name)).toContain('email');
  });

  it('answers record by record when HubSpot does', async () => {
    const inputs = [input('good@example.com'), input('bad@')];
    expect(await connect().upsert('contacts', inputs, never)).toMatchObject({
      status: 207,
      body: {
        results: [{ properties: { email: 'good@example.com' } }],
        errors: [{ context: { objectWriteTraceId: ['trace of bad@'] } }],
      },
    });
  });
});

describe('an answer as it stands, and never a throw', () => {
  const results = { results: [{ id: '1', properties: { email: 'ada@example.com' } }] };

  it.each<[string, Fault, object]>([
    ['201', { respond: { status: 201, body: results } }, { status: 201, body: results }],
    ['202 without a body', { respond: { status: 202 } }, { status: 202, body: undefined }],
    [
      'HTML with 200',
      { respond: { status: 200, text: '<html>Just a moment</html>' } },
      { status: 200, body: undefined },
    ],
    ['an empty body with 200', { respond: { status: 200 } }, { status: 200, body: undefined }],
    ['an empty object', { respond: { status: 200, body: {} } }, { status: 200, body: {} }],
    ['no results', { action: 'empty-results' }, { status: 200, body: { results: [] } }],
    ['truncated JSON', { action: 'truncate' }, { status: 200, body: undefined }],
    ['503 without a content type', { respond: { status: 503 } }, { status: 503, body: undefined }],
    ['502 in HTML', { respond: { status: 502, text: '<html>Bad gateway</html>' } }, { status: 502, body: undefined }],
    [
      '524 in JSON',
      { respond: { status: 524, body: { status: 'error' } } },
      { status: 524, body: { status: 'error' } },
    ],
    [
      '429 with its headers',
      { respond: { status: 429, body: { policyName: 'SECONDLY' }, headers: { 'retry-after': '7' } } },
      { status: 429, body: { policyName: 'SECONDLY' }, headers: { 'retry-after': '7' } },
    ],
    ['400', { respond: { status: 400, body: { category: 'X' } } }, { status: 400, body: { category: 'X' } }],
    ['304', { respond: { status: 304 } }, { status: 304, body: undefined }],
  ])('%s', async (_, fault, expected) => {
    const answer = await upsert(fault);
    expect(answer).toMatchObject(expected);
    expect(answer.failure).toBeUndefined();
  });

  it('a connection that is cut', async () => {
    expect(await upsert({ action: 'reset' })).toMatchObject({ status: null, failure: 'network' });
  });

  it('a server that nobody can reach', async () => {
    const { status, failure } = await connect({ baseUrl: await freeAddress() }).archive('contacts', ['1'], never);
    expect({ status, failure }).toEqual({ status: null, failure: 'unreached' });
  });

  it('an answer that takes too long', async () => {
    const answer = await upsert({ action: 'hang' }, { timeoutMs: 100 });
    expect(answer).toMatchObject({ status: null, failure: 'timeout' });
    expect(answer.latencyMs).toBeGreaterThanOrEqual(95);
  });

  it('a call that is given up while HubSpot hangs', async () => {
    const stop = new AbortController();
    const call = upsert({ action: 'hang' }, {}, stop.signal);
    await until(async () => (await sandbox.calls()).length > 0);
    stop.abort();
    expect(await call).toMatchObject({ status: null, failure: 'aborted' });
  });

  it('a call that was given up before it began, which is not made', async () => {
    const answer = await connect().upsert('contacts', [input('ada@example.com')], AbortSignal.abort());
    expect(answer).toMatchObject({ status: null, failure: 'unsent' });
    expect(await sandbox.calls()).toEqual([]);
  });

  it('tells whoever listens of each answer', async () => {
    const seen: [string, number | null][] = [];
    const hubspot = connect({ onAnswer: (operation, { status }) => seen.push([operation, status]) });
    await hubspot.definitions('contacts', never);
    await hubspot.archive('contacts', ['1'], never);
    await sandbox.fault({ path: 'batch/read', action: 'reset' });
    await hubspot.read('contacts', ['1'], [], null, never);
    expect(seen).toEqual([
      ['definitions', 200],
      ['archive', 204],
      ['read', null],
    ]);
  });
});

describe('a request', () => {
  it('is the one the SDK itself would send', async () => {
    const requests: unknown[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { authorization, accept, 'content-type': contentType } = request.headers;
      requests.push([request.method, request.url, authorization, accept, contentType, JSON.parse(body)]);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"results":[]}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const upserts = [input('ada@example.com', '“Ada” \\ \n 🙂'), input('b@c.de', '')];
    const updates = [{ id: '7', properties: { firstname: '' } }];
    const ours = connect({ baseUrl, token: 'pat-test' });
    await ours.upsert('contacts', upserts, never);
    await ours.update('contacts', updates, never);
    const authMethods = { oauth2: { accessToken: 'pat-test' } };
    const theirs = new BatchApi(createConfiguration({ baseServer: new ServerConfiguration(baseUrl, {}), authMethods }));
    await theirs.upsert('contacts', { inputs: upserts });
    await theirs.update('contacts', { inputs: updates });
    server.closeAllConnections();
    server.close();
    expect(requests).toHaveLength(4);
    expect(requests.slice(0, 2)).toEqual(requests.slice(2));
  });
});

describe('a call that waited for its turn', () => {
  it('is not made when its records are no longer ours', async () => {
    await sandbox.clearCalls();
    const answer = await connect().upsert('contacts', [input('late@example.com')], never, async () => false);
    expect(answer).toMatchObject({ status: null, failure: 'unsent' });
    expect(await sandbox.calls()).toEqual([]);
  });
});

describe('the access token', () => {
  it('stands in the Authorization header of every call, and nowhere else', async () => {
    const requests: { headers: IncomingMessage['headers']; rest: string }[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { authorization, ...headers } = request.headers;
      requests.push({ headers: { authorization }, rest: JSON.stringify([request.url, headers, body]) });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"results":[]}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const hubspot = connect({ baseUrl: `http://127.0.0.1:${port}`, token: 'pat-secret' });
    await hubspot.upsert('contacts', [input('ada@example.com')], never);
    await hubspot.update('contacts', [{ id: '1', properties: {} }], never);
    await hubspot.archive('contacts', ['1'], never);
    await hubspot.read('contacts', ['1'], ['email'], 'email', never);
    await hubspot.definitions('contacts', never);
    await hubspot.account(never);
    server.closeAllConnections();
    server.close();
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(Array(6).fill('Bearer pat-secret'));
    expect(requests.map(({ rest }) => rest).join()).not.toContain('pat-secret');
  });

  it('is in no answer, whatever goes wrong', async () => {
    const { token } = sandbox;
    const failing: Promise<unknown>[] = [
      connect({ baseUrl: await freeAddress() }).archive('contacts', ['1'], never),
      connect().archive('contacts', ['1'], AbortSignal.abort(new Error('stopping'))),
      upsert({ action: 'reset' }),
      // Not a header value: the platform's own error would quote it.
      connect({ token: `${token}\n` }).archive('contacts', ['1'], never),
      connect({ token: `${token}\n` }).definitions('contacts', never),
      connect({ token: `${token}\n` }).account(never),
    ];
    for (const answer of await Promise.all(failing))
      expect(inspect(answer, { depth: 10, showHidden: true })).not.toContain(token);
  });

  it('is refused by HubSpot when it is another', async () => {
    expect(await connect({ token: 'pat-other' }).definitions('contacts', never)).toMatchObject({
      status: 401,
      body: { category: 'INVALID_AUTHENTICATION' },
    });
  });
});

/** Where nobody listens. */
async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}`;
}
