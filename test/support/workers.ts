import { type Started, startProgram, until } from './program.ts';
import { shopMapping } from './shop.ts';
import type { SyncedShop } from './synced.ts';

/** Workers of a shop, each a process of its own. */
export type Workers = {
  /** What they did so far, each: what their log says of its passes. */
  synced(): number[];
  out(): string;
  /** What they warned of so far. */
  complaints(): string[];
  /** Tells them to stop; their exit codes and what they complained of. */
  stop(): Promise<{ codes: (number | null)[]; complaints: string[] }>;
};

export async function startWorkers({ env }: SyncedShop, count: number, mapping = shopMapping): Promise<Workers> {
  const started = Array.from({ length: count }, () => startProgram(['--config', mapping, 'run'], env));
  const workers = {
    synced: () => started.map((worker) => linesOf(worker).reduce((sum, { synced }) => sum + Number(synced ?? 0), 0)),
    complaints: () => started.flatMap(complaintsOf),
    out: () => started.map(({ out, err }) => out() + err()).join('\n'),
    stop: async () => {
      for (const { child } of started) child.kill('SIGTERM');
      const finished = await Promise.all(started.map((worker) => worker.finished));
      return { codes: finished.map(({ code }) => code), complaints: workers.complaints() };
    },
  };
  await until(() => started.every((worker) => worker.child.exitCode !== null || worker.out().includes('"started"')));
  if (started.some(({ child }) => child.exitCode !== null)) throw new Error(`a worker did not start: ${workers.out()}`);
  return workers;
}

/** A line of a worker's log, with those of its fields that tests ask for. */
export type Line = { level: string; msg: string; time: string; synced?: number; circuit?: string; url?: string };

/** What a worker has logged so far, but for a line that is only half here. */
export function linesOf({ out }: Started): Line[] {
  return out()
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line);
}

/** But for the scheduler's, which tells on its own that the machine is busy. */
function complaintsOf(worker: Started): string[] {
  const lines = linesOf(worker).filter(({ level }) => level === 'warn' || level === 'error' || level === 'fatal');
  const printed = worker
    .err()
    .split('\n')
    .filter((line) => line !== '' && !line.includes('[NODE-CRON]'));
  return [...lines.map((line) => JSON.stringify(line)), ...printed];
}

/** Waits until nothing is noted and nothing is pending; not for ever where a worker that should do it is no more. */
export async function untilDelivered({ select }: SyncedShop, by: readonly Started[] = []): Promise<void> {
  await until(async () => {
    const ended = by.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
    if (ended !== undefined) throw new Error(`a worker has ended: ${ended.out()}${ended.err()}`);
    const [row] = await select<{ left: number }>(
      `SELECT (SELECT COUNT(*) FROM hubspot_mark) + (SELECT COUNT(*) FROM hubspot_data WHERE status = 'pending') AS \`left\``,
    );
    return Number(row?.left) === 0;
  });
}
