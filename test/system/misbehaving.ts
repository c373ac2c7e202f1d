import { until } from '../support/program.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { startWorkers, untilDelivered, type Workers } from '../support/workers.ts';
import { swiftMapping } from './swiftMapping.ts';

export const CALL = 'contacts/batch/';
export const HTML = { text: '<html><body>Bad gateway</body></html>' };

const mapping = swiftMapping({ guard_records: 20, guard_percent: 5, late_write_ms: 6_000 });

export type Misbehaving = Awaited<ReturnType<typeof openMisbehaving>>;

/** A synced shop and one worker, before a HubSpot that will misbehave. */
export async function openMisbehaving() {
  const shop = await openSyncedShop({ users: 300, mapping });
  let workers: Workers | undefined;
  const close = async () => {
    await workers?.stop();
    await shop.close();
  };
  try {
    await shop.must('backfill');
    workers = await startWorkers(shop, 1, mapping);
    await untilDelivered(shop);
    return { ...(await stageOf(shop, workers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function stageOf(shop: SyncedShop, workers: Workers) {
  const rows = await shop.select<{ id: string }>(
    "SELECT source_id AS id FROM hubspot_data WHERE object = 'contacts' AND status = 'synced' ORDER BY CAST(source_id AS UNSIGNED)",
  );
  const ids = rows.map(({ id }) => Number(id));
  const row = async (id: number) =>
    (
      await shop.select<{ status: string; error_code: string | null; hubspot_id: string; attempts: number }>(
        `SELECT status, error_code, hubspot_id, attempts FROM hubspot_data WHERE object = 'contacts' AND source_id = '${id}'`,
      )
    )[0];
  return {
    shop,
    workers,
    /** Users that HubSpot has, so that each test can take its own. */
    ids,
    user: (n: number) => ids[n] ?? 0,
    rename: (id: number, name: string) =>
      shop.application.query('UPDATE users SET first_name = ? WHERE id = ?', [name, id]),
    row,
    firstName: async (id: number) => {
      const { hubspot_id } = (await row(id)) ?? {};
      return (await shop.sandbox.records('contacts')).find((record) => record.id === hubspot_id)?.properties.firstname;
    },
    calls: async (path: string) => (await shop.sandbox.calls()).filter((call) => call.path.includes(path)),
    paused: async () => JSON.parse(await shop.must('status', '--json')).objects[0].paused as string | null,
    /** HubSpot behaves again, and all that was changed is there. */
    calm: async () => {
      await shop.sandbox.clearFaults();
      await expectSyncedSoon(shop);
    },
  };
}

/** A row may be woken just when nothing is left: one that waited for a value, or whose doubt is over. */
async function expectSyncedSoon(shop: SyncedShop): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    await untilDelivered(shop);
    await until(async () => (await shop.select('SELECT source_id FROM hubspot_doubt')).length === 0);
    await untilDelivered(shop);
    try {
      return await expectSynced(shop, mapping);
    } catch (error) {
      if (looks === 20) throw error;
      await shop.select('SELECT SLEEP(0.25)');
    }
  }
}
