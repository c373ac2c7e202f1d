import Fastify, { type FastifyInstance } from 'fastify';
import { ConfigurationError } from '../errors.ts';
import type { Report } from '../health/health.ts';
import type { Log } from '../log.ts';
import { healthBody } from './healthBody.ts';

export type HttpOptions = {
  host: string;
  /** 0 picks a free one. */
  port: number;
  health(): Promise<Report>;
  /** Null when the worker can work, else what it lacks. */
  isReady(): Promise<string | null>;
  metrics(): Promise<{ contentType: string; text: string }>;
  log: Log;
};

export type HttpServer = { url: string; port: number; close(): Promise<void> };

/** How long a client may take to send what it asks. */
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * What a worker shows of itself. It reads and changes nothing; whoever reaches the port may ask.
 * @throws ConfigurationError when it cannot listen
 */
export async function startHttp({ host, port, health, isReady, metrics, log }: HttpOptions): Promise<HttpServer> {
  const server = Fastify({ forceCloseConnections: true, requestTimeout: REQUEST_TIMEOUT_MS });
  refuseOthers(server, log);

  server.get('/healthz', async () => ({ status: 'alive' }));
  server.get('/readyz', async (_request, reply) => {
    const reason = await isReady();
    return reply.code(reason === null ? 200 : 503).send(reason === null ? { ready: true } : { ready: false, reason });
  });
  server.get('/health', async (_request, reply) => {
    const report = await health();
    return reply.code(report.health.status === 'unhealthy' ? 503 : 200).send(healthBody(report));
  });
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics();
    return reply.type(contentType).send(text);
  });

  await listen(server, host, port);
  const [address] = server.addresses();
  const actual = typeof address === 'object' ? address.port : port;
  const name = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${name}:${actual}`, port: actual, close: () => server.close() };
}

const PATHS = '/healthz, /readyz, /health, /metrics';

/** Anything that is no GET or HEAD of a known path is 404, before a body of it is read. */
function refuseOthers(server: FastifyInstance, log: Log): void {
  const refusal = { error: 'not found', try: `GET ${PATHS}` };
  server.addHook('onRequest', async ({ method }, reply) => {
    reply.header('cache-control', 'no-store');
    if (method === 'GET' || method === 'HEAD') return;
    return reply.code(404).send(refusal);
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send(refusal));
  server.setErrorHandler((error, { url }, reply) => {
    log.error({ path: url.split('?')[0], reason: (error as Error).name }, 'http request failed');
    return reply.code(500).send({ error: 'internal error' });
  });
}

const REFUSALS: Record<string, { says(place: string): string; remedy: string }> = {
  EADDRINUSE: {
    says: (place) => `${place} is in use: another program, or another worker, listens there`,
    remedy: 'set HTTP_PORT to another port, or to 0 for any that is free',
  },
  EACCES: {
    says: (place) => `this user may not listen on ${place}`,
    remedy: 'set HTTP_PORT to a port from 1024 on, or to 0 for any that is free',
  },
  EADDRNOTAVAIL: {
    says: (place) => `this machine has no address for ${place}`,
    remedy: 'set HTTP_HOST to an address of this machine, like 127.0.0.1 or 0.0.0.0',
  },
  ENOTFOUND: {
    says: (place) => `the host of ${place} is not known`,
    remedy: 'set HTTP_HOST to an address of this machine, like 127.0.0.1 or 0.0.0.0',
  },
};

async function listen(server: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await server.listen({ host, port });
  } catch (cause) {
    await server.close();
    const { code = '', message } = cause as NodeJS.ErrnoException;
    const place = `HTTP_HOST ${host}, HTTP_PORT ${port}`;
    const refusal = REFUSALS[code];
    throw new ConfigurationError(refusal?.says(place) ?? `cannot listen on ${place}: ${message}`, {
      code: 'HTTP_LISTEN',
      cause,
      remedy: refusal?.remedy ?? 'set HTTP_HOST and HTTP_PORT to an address and a port of this machine',
    });
  }
}
