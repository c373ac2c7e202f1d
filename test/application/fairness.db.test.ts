import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/program.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { startWorkers, type Workers } from '../support/workers.ts';
import { swiftMapping } from '../system/swiftMapping.ts';

const USERS = 50_000;
/**
 * The eight batches that are on their way, and those that go until the change is folded; the mass takes 500 and more.
 * Measured: four to twelve.
 */
const A_FEW_CALLS = 50;
/** Slow enough for a busy machine: what is asked is in which order they go, not how fast. */
const SLOWLY = { calls_per_10s: 40, lease_ms: 120_000, request_timeout_ms: 30_000 };

describe(`while ${USERS} rows of a mass update are on their way`, { timeout: 900_000 }, () => {
  let shop: SyncedShop;
  let workers: Workers;

  beforeAll(async () => {
    shop = await openSyncedShop({ users: USERS });
    await shop.sandbox.options({ plan: 'pro', latencyMs: 50 });
    workers = await startWorkers(shop, 1, swiftMapping(SLOWLY));
    await shop.application.query("UPDATE users SET last_name = CONCAT(last_name, ' all'), user_status = 'A'");
  }, 600_000);
  afterAll(async () => {
    await workers?.stop();
    await shop?.close();
  });

  const count = async (sql: string) => Number((await shop.select<{ n: number }>(sql))[0]?.n);
  const marks = () => count('SELECT COUNT(*) AS n FROM hubspot_mark');
  const waiting = () => count("SELECT COUNT(*) AS n FROM hubspot_data WHERE status = 'pending' AND bulk = 1");
  const calls = async () => (await shop.sandbox.calls()).filter(({ path }) => path.includes('/batch/'));

  /** Changes a user by himself; how many calls carried others before his, and how long it took. */
  async function overtake(id: string, name: string): Promise<{ callsBefore: number; seconds: number }> {
    const before = (await calls()).length;
    const began = performance.now();
    await shop.application.query('UPDATE users SET first_name = ? WHERE id = ?', [name, id]);
    const [user] = await shop.select<{ email: string }>(`SELECT email FROM users WHERE id = ${id}`);
    await until(async () => {
      const sent = await count(
        `SELECT COUNT(*) AS n FROM hubspot_data WHERE object = 'contacts' AND source_id = '${id}' AND status = 'synced'
           AND sent_properties LIKE '%"firstname":"${name}"%'`,
      );
      return sent === 1;
    });
    const seconds = (performance.now() - began) / 1_000;
    const at = (await calls()).findLastIndex(({ inputs }) => inputs.includes(user?.email.toLowerCase() ?? ''));
    expect(at).toBeGreaterThanOrEqual(before);
    return { callsBefore: at - before, seconds };
  }

  /** The user whose turn would come last. */
  async function lastInLine(): Promise<string> {
    const [row] = await shop.select<{ id: string }>(
      `SELECT source_id AS id FROM hubspot_data WHERE object = 'contacts' AND status = 'pending' AND bulk = 1
       AND claimed_by IS NULL ORDER BY due_at DESC, source_id DESC LIMIT 1`,
    );
    return row?.id ?? '';
  }

  it('a change right behind it arrives while nearly all of it still waits', async () => {
    const { callsBefore, seconds } = await overtake(String(USERS - 100), 'Behind');
    const left = (await waiting()) + (await marks());
    console.log(
      `${shop.database.kind}: right behind, ${callsBefore} calls before it, ${seconds.toFixed(1)} s, ${left} left`,
    );
    expect(left).toBeGreaterThan(USERS / 2);
  });

  it('a later change overtakes all but the few batches that are on their way, and the others go on', async () => {
    await until(async () => (await marks()) === 0);
    for (const name of ['First', 'Second', 'Third']) {
      const { callsBefore, seconds } = await overtake(await lastInLine(), name);
      const left = await waiting();
      console.log(
        `${shop.database.kind}: later, ${callsBefore} calls before it, ${seconds.toFixed(1)} s, ${left} left`,
      );
      expect(left).toBeGreaterThan(1_000);
      expect(callsBefore, workers.complaints().join('\n')).toBeLessThanOrEqual(A_FEW_CALLS);
      await until(async () => (await waiting()) <= left - 1_000);
    }
    expect(await workers.stop()).toEqual({ codes: [0], complaints: [] });
  });
});
