import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Fault } from '../../src/sandbox/faults.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import type { CallRecord } from '../../src/sandbox/server.ts';
import { programFile } from './program.ts';
import { shopProperties } from './shop.ts';

export type SandboxRecord = { id: string; properties: Record<string, string>; archived: boolean };

export type TestSandbox = Awaited<ReturnType<typeof startTestSandbox>>;

/** The sandbox HubSpot as a process of its own, with the custom properties of the shop. */
export async function startTestSandbox(options: Partial<SandboxOptions> = {}) {
  const child = spawn(
    process.execPath,
    [programFile, 'sandbox', '--port', '0', '--json', '--plan', options.plan ?? 'unlimited'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
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
    // 204 has no body.
    return (response.status === 204 ? undefined : await response.json()) as T;
  };
  const sandbox = {
    url,
    token,
    records: (type: string) => ask<SandboxRecord[]>('GET', `/__sandbox/records/${type}`),
    calls: () => ask<CallRecord[]>('GET', '/__sandbox/calls'),
    counts: () => ask<{ calls: number; daily: number; refused: number }>('GET', '/__sandbox/counts'),
    fault: (fault: Fault) => ask<{ id: string }>('POST', '/__sandbox/faults', fault),
    clearFaults: () => ask('DELETE', '/__sandbox/faults'),
    clearCalls: () => ask('DELETE', '/__sandbox/calls'),
    options: (changed: Partial<SandboxOptions>) => ask('POST', '/__sandbox/options', changed),
    /** Any call of the API itself. */
    ask,
    close: async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
  for (const [type, definitions] of Object.entries(await shopProperties())) {
    await ask('POST', `/crm/v3/properties/${type}/batch/create`, { inputs: definitions });
  }
  if (Object.keys(options).length > 0) await sandbox.options(options);
  return sandbox;
}
