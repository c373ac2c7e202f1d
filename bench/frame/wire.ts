import { connect, createServer, type Socket } from 'node:net';

/** A question to the database and its answer; both by `performance.now()`. */
export type RoundTrip = { askedAt: number; answeredAt: number };

export type Wire = {
  /** The same database, by way of us. */
  url: string;
  roundTrips: RoundTrip[];
  close(): Promise<void>;
};

/**
 * Stands between a program and its database and notes each round trip: what the program does is seen from outside,
 * alike on every server, and nothing in it need be changed.
 */
export async function tapWire(databaseUrl: string): Promise<Wire> {
  const real = new URL(databaseUrl);
  const roundTrips: RoundTrip[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((program) => {
    const database = connect(Number(real.port), real.hostname);
    for (const socket of [program, database]) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    let open: RoundTrip | null = null;
    program.on('data', (bytes) => {
      const now = performance.now();
      // A client asks again only when it has its answer; more bytes before that belong to the same question.
      if (open === null || open.answeredAt > 0) {
        open = { askedAt: now, answeredAt: 0 };
        roundTrips.push(open);
      }
      database.write(bytes);
    });
    database.on('data', (bytes) => {
      if (open !== null) open.answeredAt = performance.now();
      program.write(bytes);
    });
    program.on('close', () => database.destroy());
    database.on('close', () => program.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  const url = new URL(databaseUrl);
  url.port = String(address.port);
  return {
    url: url.href,
    roundTrips,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Joins round trips into spells of work: a pause of `pauseMs` ends one. Returns when each began and ended. */
export function spellsOf(roundTrips: readonly RoundTrip[], pauseMs: number): { roundTrips: number; ms: number }[] {
  const spells: { roundTrips: number; ms: number; begun: number; ended: number }[] = [];
  for (const { askedAt, answeredAt } of [...roundTrips].sort((a, b) => a.askedAt - b.askedAt)) {
    const last = spells.at(-1);
    if (last === undefined || askedAt - last.ended > pauseMs) {
      spells.push({ roundTrips: 1, begun: askedAt, ended: answeredAt, ms: answeredAt - askedAt });
    } else {
      last.roundTrips += 1;
      last.ended = Math.max(last.ended, answeredAt);
      last.ms = last.ended - last.begun;
    }
  }
  return spells.map(({ roundTrips: count, ms }) => ({ roundTrips: count, ms }));
}
