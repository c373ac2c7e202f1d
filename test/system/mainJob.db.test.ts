import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { badUsers } from '../../examples/shop/badUsers.ts';
import { expectSynced, openSyncedShop, type SyncedShop } from '../support/synced.ts';

describe('from a changed row to HubSpot', () => {
  let shop: SyncedShop;
  beforeAll(async () => {
    shop = await openSyncedShop({ users: 600 });
    await shop.must('backfill');
    await shop.must('once');
  });
  afterAll(() => shop?.close());

  it('delivers every record of the first backfill that HubSpot takes', async () => {
    await expectSynced(shop);
  });

  it('poisons just the bad records, each with its code', async () => {
    const poison = await shop.select<{ source_id: string; error_code: string }>(
      "SELECT source_id, error_code FROM hubspot_poison WHERE object = 'contacts'",
    );
    const expected = badUsers.filter(({ id }) => id <= 600).map(({ id, code }) => [String(id), code]);
    const byId = (a: string[], b: string[]) => Number(a[0]) - Number(b[0]);
    expect(poison.map((row) => [row.source_id, row.error_code]).sort(byId)).toEqual(expected.sort(byId));
  });

  it('sends nothing twice: a second backfill finds everything unchanged', async () => {
    await shop.must('backfill');
    const counts = JSON.parse(lastLine(await shop.must('once', '--json'))) as { synced: number; unchanged: number };
    expect(counts.synced).toBe(0);
    expect(counts.unchanged).toBeGreaterThan(500);
  });

  it('delivers what the application changes, through every table it reads', async () => {
    await shop.application.query("UPDATE users SET first_name = 'Grace' WHERE id = 1");
    await shop.application.query("UPDATE user_cim_details SET phone = '+1 555 0100' WHERE user_id = 2");
    await shop.application.query("UPDATE countries SET name = CONCAT(name, ' (new)')");
    await shop.application.query(
      'DELETE FROM order_items WHERE order_id IN (SELECT id FROM orders WHERE user_id < 20)',
    );
    await shop.application.query('DELETE FROM orders WHERE user_id = 3');
    await shop.application.query("UPDATE users SET user_status = 'C' WHERE id = 4");
    await shop.must('once');
    await expectSynced(shop);
  });

  it('keeps the HubSpot record of a user whose e-mail changes', async () => {
    const before = await hubspotId(shop, 5);
    await shop.application.query("UPDATE users SET email = 'quite.new@example.com' WHERE id = 5");
    await shop.must('once');
    expect(await hubspotId(shop, 5)).toBe(before);
    await expectSynced(shop);
  });

  it('lets two users swap their e-mails', async () => {
    const before = [await hubspotId(shop, 6), await hubspotId(shop, 7)];
    await shop.application.query(`SET @a = (SELECT email FROM users WHERE id = 6), @b = (SELECT email FROM users WHERE id = 7);
      UPDATE users SET email = IF(id = 6, @b, @a) WHERE id IN (6, 7)`);
    await shop.must('once');
    expect([await hubspotId(shop, 6), await hubspotId(shop, 7)]).toEqual(before);
    await expectSynced(shop);
  });

  it('poisons the second user of one e-mail, and delivers it once the first gives it up', async () => {
    await shop.application.query(
      'UPDATE users SET email = (SELECT email FROM (SELECT email FROM users WHERE id = 8) u) WHERE id = 9',
    );
    await shop.must('once');
    expect(await status(shop, 9)).toEqual({ status: 'poison', error_code: 'DUPLICATE_MATCH' });
    await shop.application.query("UPDATE users SET email = 'eight.is.new@example.com' WHERE id = 8");
    await shop.must('once');
    expect(await status(shop, 9)).toEqual({ status: 'synced', error_code: null });
    await expectSynced(shop);
  });

  it('sends a poisoned record again when it is mended at its source', async () => {
    await shop.application.query("UPDATE users SET email = 'jane.doe@example.com' WHERE id = 17");
    await shop.must('once');
    expect(await status(shop, 17)).toEqual({ status: 'synced', error_code: null });
    await expectSynced(shop);
  });

  it('gives the value of a record that was kept to another once the record is deleted in HubSpot', async () => {
    const [one = 0, other = 0] = (
      await shop.select<{ id: number }>(
        "SELECT CAST(source_id AS UNSIGNED) AS id FROM hubspot_data WHERE object = 'contacts' AND status = 'synced' AND source_id > 300 LIMIT 2",
      )
    ).map(({ id }) => Number(id));
    const kept = await hubspotId(shop, one);
    await shop.application.query("UPDATE users SET user_status = 'C' WHERE id = ?", [one]);
    await shop.must('once');
    await shop.application.query(
      'UPDATE users SET email = (SELECT email FROM (SELECT email FROM users WHERE id = ?) u) WHERE id = ?',
      [one, other],
    );
    await shop.must('once');
    expect(await status(shop, other)).toEqual({ status: 'poison', error_code: 'DUPLICATE_MATCH' });
    const archived = await shop.sandbox.ask('POST', '/crm/v3/objects/contacts/batch/archive', {
      inputs: [{ id: kept }],
    });
    expect(archived).toBeUndefined();
    await shop.must('poison', 'retry', `contacts/${other}`, '--yes');
    await shop.must('once');
    expect(await status(shop, other)).toEqual({ status: 'synced', error_code: null });
    await expectSynced(shop);
  });

  it('archives what the query no longer returns, and takes it up again', async () => {
    await shop.application.query("UPDATE orders SET state = 'cancelled' WHERE user_id BETWEEN 10 AND 40");
    await shop.must('once');
    await expectSynced(shop);
    await shop.application.query("UPDATE orders SET state = 'open' WHERE user_id BETWEEN 10 AND 40");
    await shop.must('once');
    await expectSynced(shop);
  });

  it('isolates bad records when HubSpot refuses whole batches', async () => {
    await shop.sandbox.options({ refusals: 'silent' });
    await shop.application.query(
      "UPDATE users SET email = 'no good@' WHERE id IN (100, 250); UPDATE users SET last_name = CONCAT(last_name, 'x')",
    );
    await shop.must('once');
    expect(await status(shop, 100)).toMatchObject({ status: 'poison' });
    expect(await status(shop, 250)).toMatchObject({ status: 'poison' });
    await shop.sandbox.options({ refusals: 'records' });
    await expectSynced(shop);
  });
});

async function hubspotId({ select }: SyncedShop, id: number): Promise<string | null> {
  const [row] = await select<{ hubspot_id: string | null }>(
    `SELECT hubspot_id FROM hubspot_data WHERE object = 'contacts' AND source_id = '${id}'`,
  );
  return row?.hubspot_id ?? null;
}

async function status({ select }: SyncedShop, id: number) {
  const [row] = await select(
    `SELECT status, error_code FROM hubspot_data WHERE object = 'contacts' AND source_id = '${id}'`,
  );
  return row;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
