import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

/** What the receiver does with a message: answers with a status, or not at all. */
export type Behaviour = { status: number; headers?: Record<string, string>; after?: Promise<void> } | 'hang' | 'reset';

/** Takes messages as Slack does, over real HTTP; behaves as scripted, then well. */
export async function startReceiver(...script: Behaviour[]) {
  const received: { text: unknown; contentType: string | undefined }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    received.push({ text: JSON.parse(body).text, contentType: request.headers['content-type'] });
    const behaviour = script.shift() ?? { status: 200 };
    if (behaviour === 'hang') return;
    if (behaviour === 'reset') {
      request.socket.destroy();
      return;
    }
    await behaviour.after;
    response.writeHead(behaviour.status, behaviour.headers).end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T000/B000/secret`,
    received,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
