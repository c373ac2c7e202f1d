import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { startWorkers, untilDelivered } from '../support/workers.ts';
import { type Storm, storm } from './storm.ts';

describe('an application that never deadlocks by itself', () => {
  let shop: SyncedShop;
  beforeAll(async () => {
    shop = await openSyncedShop({ users: 400 });
  }, 600_000);
  afterAll(() => shop?.close());

  const blow = (seed: number) => storm(shop.database, { transactions: 10_000, connections: 8, seed });

  it('meets no error in 10,000 transactions with triggers and two busy workers, and all of it arrives', async () => {
    await shop.must('triggers', 'drop');
    const alone = await blow(1);
    expect(alone).toMatchObject({ committed: 10_000, errors: {} });

    await shop.must('triggers', 'apply');
    await shop.must('backfill');
    await shop.sandbox.options({ latencyMs: 20, keepsCalls: false });
    const workers = await startWorkers(shop, 2);
    const synced = await blow(2);
    expect(synced).toMatchObject({ committed: 10_000, errors: {} });

    await untilDelivered(shop);
    await expectSynced(shop);
    const done = workers.synced();
    expect(await workers.stop()).toEqual({ codes: [0, 0], complaints: [] });
    for (const each of done) expect(each).toBeGreaterThan(100);
    console.log(
      `${shop.database.kind}: alone ${describeStorm(alone)}; with triggers and workers ${describeStorm(synced)}; sent by each worker: ${done.join(', ')}`,
    );
  }, 1_800_000);
});

function describeStorm({ medianMs, p99Ms, maxMs }: Storm): string {
  return `median ${medianMs} ms, p99 ${p99Ms} ms, longest ${maxMs} ms`;
}
