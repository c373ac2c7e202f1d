import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/errors.ts';
import { type HttpOptions, type HttpServer, startHttp } from '../../src/http/server.ts';
import { outboxFacts, pause, reportOf } from '../health/someFacts.ts';

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(over: Partial<HttpOptions> = {}) {
  const lines: string[] = [];
  const server = await startHttp({
    host: '127.0.0.1',
    port: 0,
    health: async () => reportOf(),
    isReady: async () => null,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'up 1\n' }),
    log: pino({ base: null }, { write: (line) => lines.push(line) }),
    ...over,
  });
  servers.push(server);
  const get = (path: string, init?: RequestInit) => fetch(server.url + path, init);
  return { server, get, lines };
}

describe('what a worker shows by HTTP', () => {
  it('is alive, whatever its health', async () => {
    const { get } = await start({ health: async () => reportOf({ database: 'down' }), isReady: async () => 'no' });
    const response = await get('/healthz');
    expect([response.status, await response.json()]).toEqual([200, { status: 'alive' }]);
  });

  it('is ready, or not yet and why', async () => {
    let reason: string | null = 'the outbox tables are not migrated';
    const { get } = await start({ isReady: async () => reason });
    const before = await get('/readyz');
    expect([before.status, await before.json()]).toEqual([503, { ready: false, reason }]);
    reason = null;
    const after = await get('/readyz');
    expect([after.status, await after.json()]).toEqual([200, { ready: true }]);
  });

  it('is healthy in the words of the contract', async () => {
    const outbox = outboxFacts({ oldestPendingSeconds: 2 }, { object: 'orders', oldestPendingSeconds: 9, poison: 1 });
    const { get } = await start({ health: async () => reportOf({ apiLatencyMs: 123.4 }, outbox) });
    const response = await get('/health');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toMatchObject({
      status: 'healthy',
      reasons: [],
      circuit: 'closed',
      backlog: 30,
      oldest_pending_seconds: 9,
      poison: 5,
      calls_today: 100,
      api_latency_ms: 123,
      calls_per_day: 200_000,
      definitions: 'live',
      redis: 'off',
      database: 'up',
      worker: 'host-1-abc',
      last_pass_ended_at: '2026-11-28T11:59:59.000Z',
    });
  });

  it('is degraded with 200 and unhealthy with 503, each with its reasons', async () => {
    let report = reportOf({ pauses: [pause('contacts')] });
    const { get } = await start({ health: async () => report });
    const degraded = await get('/health');
    expect([degraded.status, await degraded.json()]).toEqual([
      200,
      expect.objectContaining({ status: 'degraded', reasons: [expect.stringMatching(/^contacts is paused/)] }),
    ]);
    report = reportOf({}, null);
    const unhealthy = await get('/health');
    expect([unhealthy.status, await unhealthy.json()]).toEqual([
      503,
      expect.objectContaining({
        status: 'unhealthy',
        database: 'down',
        backlog: null,
        oldest_pending_seconds: null,
        poison: null,
        objects: null,
      }),
    ]);
  });

  it('shows metrics as Prometheus takes them', async () => {
    const { get } = await start();
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toBe('up 1\n');
  });

  it.each(['/', '/health/', '/healthz/x', '/metrics.json', '/%00', '/health%2f', '/..%2f..%2fetc/passwd'])(
    'has nothing at %s',
    async (path) => {
      const { get } = await start();
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: 'not found' });
    },
  );

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'])('takes no %s', async (method) => {
    const { server } = await start();
    expect(await statusOf(server.url, method, 'x'.repeat(5_000_000))).toBe(404);
  });

  it('answers HEAD without a body', async () => {
    const { get } = await start();
    const response = await get('/health', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('may not be kept by anybody on the way', async () => {
    const { get } = await start();
    expect((await get('/health')).headers.get('cache-control')).toBe('no-store');
  });

  it('survives a fault of its own, and shows nothing of it', async () => {
    const { get, lines } = await start({
      health: async () => {
        throw new TypeError('bob@example.com');
      },
    });
    const response = await get('/health?token=secret');
    expect([response.status, await response.json()]).toEqual([500, { error: 'internal error' }]);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'http request failed', path: '/health', reason: 'TypeError' },
    ]);
    expect(lines.join('')).not.toMatch(/bob|secret/);
    expect((await get('/healthz')).status).toBe(200);
  });

  it('refuses a port that is in use with what to do', async () => {
    const { server } = await start();
    const error = await start({ port: server.port }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({
      code: 'HTTP_LISTEN',
      exitCode: 2,
      message: expect.stringContaining(`HTTP_PORT ${server.port} is in use`),
      remedy: expect.stringContaining('HTTP_PORT'),
    });
  });

  it.each(['203.0.113.7', 'no-such-host.invalid'])('refuses the host %s with what to do', async (host) => {
    const error = await start({ host }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({
      message: expect.stringContaining(host),
      remedy: expect.stringContaining('HTTP_HOST'),
    });
  });

  it('closes at once, also while somebody waits for an answer', async () => {
    const { server, get } = await start({ health: () => new Promise(() => {}) });
    const waiting = get('/health').then(
      () => 'answered',
      () => 'cut',
    );
    await get('/healthz');
    await server.close();
    expect(await waiting).toBe('cut');
  });
});

/** By node:http, since fetch knows no TRACE. */
async function statusOf(url: string, method: string, body: string): Promise<number | undefined> {
  const sent = request(`${url}/health`, { method, headers: { 'content-type': 'application/x-none' } });
  // The answer comes before all is sent, and what is sent after it may be refused.
  sent.on('error', () => {});
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  await once(response.resume(), 'end');
  return response.statusCode;
}
