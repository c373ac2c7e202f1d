import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/sandbox/faults.ts';
import { until } from '../support/program.ts';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';
import { batch, call, contact, traced } from './api.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox?.close());
afterEach(() => sandbox.clearFaults());

const upsert = (email: string, properties: object = {}) => batch(sandbox, 'upsert', [traced(email, properties)]);

async function held(email: string): Promise<Record<string, string> | undefined> {
  return (await sandbox.records('contacts')).find(({ properties }) => properties.email === email)?.properties;
}

describe('a fault of the sandbox', () => {
  it('meets the calls it is scripted for: by path, after some, so many times', async () => {
    await sandbox.fault({ path: 'batch/upsert', skip: 1, times: 2, answer: 'unavailable' });
    expect((await batch(sandbox, 'read', [{ id: '1' }])).status).toBe(207);
    const statuses = [];
    for (const at of [1, 2, 3, 4]) statuses.push((await upsert(`times${at}@example.com`)).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
    expect(await held('times2@example.com')).toBeUndefined();
    expect((await sandbox.calls()).filter(({ fault }) => fault)).toHaveLength(2);
  });

  it('meets every call with a text in its body: one record crashes HubSpot', async () => {
    await sandbox.fault({ contains: 'crash@example.com', answer: 'server-error' });
    expect((await batch(sandbox, 'upsert', [traced('beside@example.com'), traced('crash@example.com')])).status).toBe(
      500,
    );
    expect((await upsert('beside@example.com')).status).toBe(200);
    expect((await upsert('crash@example.com')).status).toBe(500);
    expect(await held('crash@example.com')).toBeUndefined();
  });

  it('ends alone or with all others', async () => {
    const { id } = await sandbox.fault({ answer: 'bad-gateway' });
    await sandbox.fault({ id: 'second', answer: 'unavailable' });
    expect((await upsert('end@example.com')).status).toBe(502);
    await sandbox.ask('DELETE', `/__sandbox/faults/${id}`);
    expect((await upsert('end@example.com')).status).toBe(503);
    expect(await sandbox.ask('GET', '/__sandbox/faults')).toMatchObject([{ id: 'second', met: 1 }]);
    await sandbox.clearFaults();
    expect((await upsert('end@example.com')).status).toBe(200);
  });

  it.each<[NonNullable<Fault['answer']>, number, object | undefined]>([
    ['unauthorized', 401, { category: 'INVALID_AUTHENTICATION' }],
    ['expired', 401, { category: 'EXPIRED_AUTHENTICATION' }],
    [
      'missing-scopes',
      403,
      { category: 'MISSING_SCOPES', errors: [{ context: { requiredGranularScopes: [expect.any(String)] } }] },
    ],
    ['locked', 423, { status: 'error' }],
    ['secondly', 429, { policyName: 'SECONDLY', errorType: 'RATE_LIMIT' }],
    ['ten-secondly', 429, { policyName: 'TEN_SECONDLY_ROLLING' }],
    ['daily', 429, { policyName: 'DAILY' }],
    ['migrating', 477, undefined],
    ['server-error', 500, { status: 'error' }],
    ['bad-gateway', 502, undefined],
    ['unavailable', 503, undefined],
    ['web-server-down', 521, undefined],
    ['timed-out', 524, undefined],
  ])('answers as HubSpot does when it says %s', async (answer, status, body) => {
    await sandbox.fault({ answer, times: 1 });
    const said = await upsert('known@example.com');
    expect(said.status).toBe(status);
    if (body === undefined) expect(said.body).toBeUndefined();
    else expect(said.body).toMatchObject(body);
    if (answer === 'migrating') expect(said.headers.get('retry-after')).toBe('3600');
    if (status > 500) expect(said.headers.get('content-type')).toBe('text/html');
  });

  it('answers anything, and changes a known answer', async () => {
    await sandbox.fault({ times: 1, respond: { status: 299, body: { a: 1 }, headers: { 'x-a': 'b' } } });
    const said = await upsert('any@example.com');
    expect([said.status, said.text, said.headers.get('x-a')]).toEqual([299, '{"a":1}', 'b']);
    await sandbox.fault({ times: 1, answer: 'migrating', respond: { headers: { 'retry-after': '1' } } });
    const soon = await upsert('any@example.com');
    expect([soon.status, soon.headers.get('retry-after')]).toEqual([477, '1']);
    await sandbox.fault({ times: 1, respond: { status: 500 } });
    expect((await upsert('any@example.com')).headers.get('content-type')).toBeNull();
  });

  it('carries a call out although it says otherwise', async () => {
    await sandbox.fault({ times: 1, answer: 'timed-out', writes: 'now' });
    expect((await upsert('written@example.com')).status).toBe(524);
    expect(await held('written@example.com')).toMatchObject({ email: 'written@example.com' });
  });

  it('lets a write land later than its successor', async () => {
    await upsert('late@example.com', { city: 'Zero' });
    await sandbox.fault({ times: 1, answer: 'timed-out', writes: 4_000 });
    expect((await upsert('late@example.com', { city: 'First' })).status).toBe(524);
    expect((await upsert('late@example.com', { city: 'Second' })).status).toBe(200);
    expect((await held('late@example.com'))?.city).toBe('Second');
    await until(async () => (await held('late@example.com'))?.city !== 'Second');
    expect((await held('late@example.com'))?.city).toBe('First');
  });

  it('hangs with or without writing', async () => {
    await sandbox.fault({ action: 'hang', contains: 'hang', times: 2, writes: 'now' });
    const stop = new AbortController();
    const request = fetch(`${sandbox.url}/crm/v3/objects/contacts/batch/upsert`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sandbox.token}` },
      body: JSON.stringify({ inputs: [contact('hang@example.com')] }),
      signal: stop.signal,
    });
    const ended = expect(request).rejects.toThrow('given up');
    await until(async () => (await held('hang@example.com')) !== undefined);
    stop.abort(new Error('given up'));
    await ended;
  });

  it('cuts the connection, before the answer or in the middle of it', async () => {
    for (const action of ['reset', 'cut'] as const) {
      await sandbox.fault({ action, times: 1 });
      await expect(upsert(`${action}@example.com`)).rejects.toThrow(/fetch failed|terminated/);
      expect(await held(`${action}@example.com`)).toBeDefined();
    }
  });

  it('stalls in the middle of an answer', async () => {
    await sandbox.fault({ action: 'stall', times: 1 });
    const stop = new AbortController();
    const response = await fetch(`${sandbox.url}/crm/v3/properties/contacts`, {
      headers: { authorization: `Bearer ${sandbox.token}` },
      signal: stop.signal,
    });
    expect(response.status).toBe(200);
    const body = response.text();
    const ended = expect(body).rejects.toThrow('given up');
    stop.abort(new Error('given up'));
    await ended;
  });

  it('spoils the body: half of it, no results, half of them', async () => {
    const inputs = [1, 2, 3, 4].map((at) => traced(`spoil${at}@example.com`));
    await sandbox.fault({ action: 'truncate', times: 1 });
    const truncated = await batch(sandbox, 'upsert', inputs);
    expect(truncated).toMatchObject({ status: 200, body: undefined, text: expect.stringMatching(/^\{"status":/) });
    await sandbox.fault({ action: 'empty-results', times: 1 });
    expect((await batch(sandbox, 'upsert', inputs)).body).toEqual({ status: 'COMPLETE', results: [] });
    await sandbox.fault({ action: 'drop-results', times: 1 });
    expect((await batch(sandbox, 'upsert', inputs)).body.results).toHaveLength(2);
    expect(await held('spoil4@example.com')).toBeDefined();
  });

  it('waits before it answers', async () => {
    await sandbox.fault({ delayMs: 300, times: 1 });
    const begun = performance.now();
    expect((await upsert('wait@example.com')).status).toBe(200);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(295);
  });
});

describe('the control of the sandbox', () => {
  const control = (method: string, path: string, body?: unknown) =>
    call<{ error: string; try: string }>({ url: sandbox.url, token: 'none' }, method, `/__sandbox/${path}`, body);

  it.each([
    ['POST', 'options', { refusal: 'silent' }, 400, 'refusal'],
    ['POST', 'options', { latencyMs: '100' }, 400, 'latencyMs'],
    ['POST', 'options', { plan: 'gold' }, 400, 'starter'],
    ['POST', 'faults', { answers: 'bad-gateway' }, 400, 'answers'],
    ['POST', 'faults', { answer: 'bad gateway' }, 400, 'bad-gateway'],
    ['POST', 'faults', undefined, 400, 'JSON'],
    ['PATCH', 'properties/contacts/city', { readOnly: true }, 400, 'readOnly'],
    ['PATCH', 'properties/contatcs/city', {}, 404, 'contatcs'],
    ['DELETE', 'properties/contacts/nonesuch', undefined, 404, 'nonesuch'],
    ['GET', 'records/contatcs', undefined, 404, 'contatcs'],
    ['PUT', 'faults', {}, 404, '/__sandbox/faults'],
  ])('%s %s with %j is answered with what is wrong', async (method, path, body, status, said) => {
    const answer = await control(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toContain(said);
    expect(answer.body.try).toMatch(/./);
    expect((await upsert('still@example.com')).status).toBe(200);
  });

  it('says at its root what it can do, without a token', async () => {
    const { status, text } = await call({ url: sandbox.url, token: '' }, 'GET', '/');
    expect(status).toBe(200);
    for (const path of ['records/contacts', 'options', 'faults', 'calls', 'properties'])
      expect(text).toContain(`/__sandbox/${path}`);
  });
});
