import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Fault } from '../../src/sandbox/faults.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import type { CallRecord } from '../../src/sandbox/server.ts';
import { shopProperties } from '../../test/support/shop.ts';
import type { Build } from './program.ts';

export type Hubspot = Awaited<ReturnType<typeof startHubspot>>;

/** The sandbox HubSpot in a process of its own, with the custom properties of the shop. */
export async function startHubspot(build: Build, options: Partial<SandboxOptions>) {
  const running = build.start(build.file, ['sandbox', '--port', '0', '--json', '--plan', options.plan ?? 'pro']);
  if (running.child.stdout === null) throw new Error('the sandbox has no output');
  const [line] = (await once(createInterface({ input: running.child.stdout }), 'line')) as [string];
  const { url, token } = JSON.parse(line) as { url: string; token: string };

  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  for (const [type, inputs] of Object.entries(await shopProperties())) {
    await ask('POST', `/crm/v3/properties/${type}/batch/create`, { inputs });
  }
  await ask('POST', '/__sandbox/options', options);
  await ask('DELETE', '/__sandbox/calls');
  return {
    url,
    token,
    pid: running.pid,
    /** Calls that write records, in the order they came; `at` is when they came. */
    writes: async () =>
      (await ask<CallRecord[]>('GET', '/__sandbox/calls')).filter(({ path }) => path.includes('/batch/')),
    counts: () => ask<{ calls: number; refused: number }>('GET', '/__sandbox/counts'),
    clearCalls: () => ask('DELETE', '/__sandbox/calls'),
    fault: (fault: Fault) => ask('POST', '/__sandbox/faults', fault),
    options: (changed: Partial<SandboxOptions>) => ask('POST', '/__sandbox/options', changed),
    close: () => running.stop(),
  };
}
