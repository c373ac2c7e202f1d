import { startContainers } from './docker.ts';
import { removeLeftovers } from './leftovers.ts';
import { type Prepare, startMariaDb, startMysql, startMysql56 } from './private.ts';
import type { Server } from './server.ts';

export type Reached = { servers: Server[]; missed: { kind: string; why: string }[] };

/** By kind. */
export const PRIVATE: Readonly<Record<string, (prepare?: Prepare) => Promise<Server>>> = {
  'mariadb-10.11': startMariaDb,
  'mysql-9.7': startMysql,
  'mysql-5.6': startMysql56,
};

/** Every server that can be had: in containers where Docker answers, else private instances. */
export function startServers(only: readonly string[] = []): Promise<Reached> {
  removeLeftovers();
  return whileStarting(() => startEach(only));
}

async function startEach(only: readonly string[]): Promise<Reached> {
  const missed: Reached['missed'] = [];
  try {
    return { servers: await startContainers(only), missed };
  } catch (error) {
    missed.push({ kind: 'docker', why: reason(error) });
  }
  for (const kind of only) {
    if (!Object.hasOwn(PRIVATE, kind)) missed.push({ kind, why: `not one of ${Object.keys(PRIVATE).join(', ')}` });
  }
  const wanted = Object.entries(PRIVATE).filter(([kind]) => only.length === 0 || only.includes(kind));
  const servers: Server[] = [];
  for (const [kind, start] of wanted) {
    try {
      servers.push(await start());
    } catch (error) {
      missed.push({ kind, why: reason(error) });
    }
  }
  return { servers, missed };
}

/** The first that can be had: a MySQL or MariaDB of our own, for a while. */
export function startAnyServer(): Promise<Server> {
  removeLeftovers();
  return whileStarting(startFirst);
}

async function startFirst(): Promise<Server> {
  const reasons: string[] = [];
  for (const [kind, start] of Object.entries(PRIVATE)) {
    try {
      return await start();
    } catch (error) {
      reasons.push(`${kind}: ${reason(error)}`);
    }
  }
  throw new Error(`no database server could be started\n  ${reasons.join('\n  ')}`);
}

/** Who is told to end while servers start ends them first: nobody else knows of them yet. */
async function whileStarting<T>(start: () => Promise<T>): Promise<T> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const end = () => {
    removeLeftovers({ ownToo: true });
    process.exit(130);
  };
  for (const signal of signals) process.on(signal, end);
  try {
    return await start();
  } finally {
    for (const signal of signals) process.off(signal, end);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
