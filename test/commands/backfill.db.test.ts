import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAsApplication } from '../support/database.ts';
import { programFile, until } from '../support/program.ts';
import { shopMapping } from '../support/shop.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { type OnTerminal, startOnTerminal } from '../support/terminal.ts';

describe('backfill on a terminal', () => {
  let shop: SyncedShop;
  beforeAll(async () => {
    shop = await openSyncedShop({ users: 20 });
  });
  const terminals: OnTerminal[] = [];
  afterAll(async () => {
    for (const terminal of terminals) terminal.close();
    await shop?.close();
  });

  /** Its chunk is under way: as long as somebody holds one of its rows it cannot end. */
  const isHeldUp = async () => {
    const sql = `SELECT id FROM information_schema.processlist WHERE db = '${shop.database.name}' AND info LIKE 'INSERT INTO hubspot_data%'`;
    return (await shop.select(sql)).length > 0;
  };
  const books = () =>
    shop.select("SELECT backfill_after, backfill_ended_at FROM hubspot_object WHERE object = 'contacts'");

  it('ends at Ctrl-C after the chunk it is at, says that the next goes on from there, and it does', async () => {
    const holder = await connectAsApplication(shop.database);
    await holder.query("BEGIN; INSERT IGNORE INTO hubspot_data (object, source_id) VALUES ('contacts', '7')");
    const backfill = startOnTerminal([programFile, '--config', shopMapping, 'backfill'], shop.env);
    terminals.push(backfill);
    try {
      await until(isHeldUp);
      backfill.type('\x03');
      await until(() => backfill.shown().includes('^C'));
    } finally {
      await holder.end();
    }
    const { code, out } = await backfill.finished;
    expect(code).toBe(130);
    expect(out).toMatch(/contacts \[[^\]]+\] 100% 20\/20 records, \d+s left/);
    expect(out).toMatch(
      /contacts: 20 records enqueued; so far\r?\nStopped; the next backfill goes on from here\.\r?\n$/,
    );
    expect(out).not.toContain('orders');
    expect(await books()).toEqual([{ backfill_after: '20', backfill_ended_at: null }]);

    expect(await shop.must('backfill')).toMatch(
      /^contacts: 0 records enqueued;[^\n]*\norders: \d+ records enqueued;[^\n]*\n$/,
    );
    expect(await books()).toEqual([{ backfill_after: null, backfill_ended_at: expect.any(String) }]);
  });
});
