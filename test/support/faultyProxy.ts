import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type FaultyProxy = Awaited<ReturnType<typeof startFaultyProxy>>;

/**
 * Stands between the program and a database. It can fall silent as a network does: nothing arrives, nothing ends; and
 * hang up on one connection as soon as it comes.
 */
export async function startFaultyProxy(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isStalled = false;
  let untilHangUp = 0;

  const server = createServer((client) => {
    untilHangUp -= 1;
    if (untilHangUp === 0) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => (isStalled ? null : to.write(bytes)));
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    /** What was sent meanwhile is lost, so the connections of that time never work again. */
    stall: () => {
      isStalled = true;
    },
    resume: () => {
      isStalled = false;
    },
    /** The first from now on is 1. */
    hangUpOn: (connection: number) => {
      untilHangUp = connection;
    },
    /** Whether it has hung up since it was told to. */
    hasHungUp: () => untilHangUp <= 0,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
