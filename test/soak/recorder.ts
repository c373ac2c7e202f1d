import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call as it went over the wire; bodies stay bytes until somebody asks. */
export type RecordedCall = {
  at: number;
  /** When it ended, one way or the other; null while it is under way. */
  endedAt: number | null;
  /** Of the worker's socket. */
  from: number;
  path: string;
  /** Null: it had no answer. */
  status: number | null;
  sent: Buffer;
  received: Buffer;
};

/** Stands between the workers and the sandbox and keeps every call, so that a record that went wrong has a trail. */
export async function startRecorder(targetUrl: string) {
  const calls: RecordedCall[] = [];
  const target = new URL(targetUrl);
  const server = createServer((incoming, outgoing) => void pass(incoming, outgoing, target, calls));
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function pass(incoming: IncomingMessage, outgoing: ServerResponse, target: URL, calls: RecordedCall[]) {
  const path = incoming.url ?? '/';
  const sent = await bodyOf(incoming).catch(() => null);
  // A caller that died while it was speaking has called nobody.
  if (sent === null) return;
  const call: RecordedCall = {
    at: Date.now(),
    endedAt: null,
    from: incoming.socket.remotePort ?? 0,
    path,
    status: null,
    sent,
    received: Buffer.alloc(0),
  };
  calls.push(call);
  const headers = { ...incoming.headers, host: target.host, 'content-length': String(sent.length) };
  const { hostname: host, port } = target;
  const onwards = request({ host, port, path, method: incoming.method ?? 'GET', headers, agent: false });
  const end = () => (call.endedAt ??= Date.now());
  outgoing.on('close', () => {
    end();
    onwards.destroy();
  });
  onwards.on('error', () => {
    end();
    outgoing.destroy();
  });
  onwards.on('response', (answer) => {
    call.status = answer.statusCode ?? null;
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      call.received = Buffer.concat(chunks);
      outgoing.write(chunk);
    });
    answer.on('end', () => outgoing.end());
    answer.on('error', () => outgoing.destroy());
  });
  onwards.end(sent);
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
