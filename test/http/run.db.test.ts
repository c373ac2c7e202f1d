import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExposition, sampleOf } from '../health/exposition.ts';
import { startProgram, until } from '../support/program.ts';
import { shopMapping } from '../support/shop.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';

describe('a worker that runs', () => {
  let shop: SyncedShop;
  beforeAll(async () => {
    shop = await openSyncedShop({ users: 20 });
  });
  afterAll(() => shop?.close());

  const start = (port: number) =>
    startProgram(['--config', shopMapping, 'run'], { ...shop.env, HTTP_PORT: String(port) });

  it('says that its port is in use, and what to do, and ends', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { code, err } = await start(port).finished;
    taken.close();
    expect(err).toMatch(
      new RegExp(`^Error: HTTP_HOST 127.0.0.1, HTTP_PORT ${port} is in use: .*\\nTry: set HTTP_PORT .*\\n$`),
    );
    expect(code).toBe(2);
  });

  it('shows what it delivers, while it delivers, and ends at a signal', async () => {
    await shop.must('backfill');
    const worker = start(0);
    try {
      const listening = () => worker.out().match(/"url":"(http:\/\/127\.0\.0\.1:\d+)","msg":"listening"/)?.[1];
      await until(() => listening() !== undefined);
      const url = listening() ?? '';
      await until(async () => (await fetch(`${url}/readyz`)).status === 200);
      const metrics = async () => parseExposition(await (await fetch(`${url}/metrics`)).text());
      await until(async () => {
        const [pending, synced] = [
          sampleOf(await metrics(), 'hubspot_outbox_pending_records', { object: 'contacts' }),
          sampleOf(await metrics(), 'hubspot_outbox_records_total', { object: 'contacts', outcome: 'synced' }),
        ];
        return pending === 0 && (synced ?? 0) > 0;
      });
      const now = await metrics();
      expect(sampleOf(now, 'hubspot_outbox_api_calls_total', { operation: 'upsert' })).toBeGreaterThan(0);
      expect(sampleOf(now, 'hubspot_outbox_passes_total')).toBeGreaterThan(0);
      expect(sampleOf(now, 'hubspot_outbox_circuit_state', { state: 'closed' })).toBe(1);
      const health = (await (await fetch(`${url}/health`)).json()) as Record<string, unknown>;
      expect(health).toMatchObject({ circuit: 'closed', database: 'up', definitions: 'live', paused: [] });
      expect(health.calls_today).toBeGreaterThan(0);
      expect(health.api_latency_ms).toEqual(expect.any(Number));
      expect(JSON.stringify(health)).not.toContain('@');
    } finally {
      worker.child.kill('SIGTERM');
    }
    expect((await worker.finished).code).toBe(0);
  });
});
