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
export async function startServers(only: readonly string[] = []): Promise<Reached> {
  removeLeftovers();
  const missed: Reached['missed'] = [];
  try {
    const servers = await startContainers();
    return { servers: servers.filter(({ kind }) => only.length === 0 || only.includes(kind)), missed };
  } catch (error) {
    missed.push({ kind: 'docker', why: reason(error) });
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
export async function startAnyServer(): Promise<Server> {
  removeLeftovers();
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

function reason(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
