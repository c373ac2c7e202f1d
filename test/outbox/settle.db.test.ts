import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Outcome, settle } from '../../src/outbox/settle.ts';
import { claim, countRows, emptyOutbox, enqueueIds, type Outbox, openOutbox, range, readRow } from './outbox.ts';

let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox();
});
afterAll(() => outbox.close());
beforeEach(() => emptyOutbox(outbox.db));

function synced(sourceId: string, over: Partial<Extract<Outcome, { kind: 'synced' }>> = {}): Outcome {
  return {
    kind: 'synced',
    sourceId,
    hubspotId: `9${sourceId}`,
    matchValue: `${sourceId}@example.com`,
    properties: { email: `${sourceId}@example.com` },
    ...over,
  };
}

function poison(sourceId: string, over: Partial<Extract<Outcome, { kind: 'poison' }>> = {}): Outcome {
  return { kind: 'poison', sourceId, code: 'INVALID_EMAIL', property: 'email', value: 'x', message: 'is bad', ...over };
}

describe('settle', () => {
  it('records what HubSpot accepted, and clears the claim', async () => {
    await enqueueIds(outbox.db, ['1']);
    const claimed = await claim(outbox.db);
    const result = await settle(outbox.db, claimed, [synced('1')]);
    expect(result).toEqual({ settled: 1, lost: 0 });
    expect(await readRow(outbox.db, '1')).toMatchObject({
      status: 'synced',
      hubspot_id: '91',
      match_value: '1@example.com',
      sent_properties: '{"email":"1@example.com"}',
      claimed_by: null,
      claimed_until: null,
      pending_since: null,
      attempts: 0,
    });
    expect((await readRow(outbox.db, '1')).sent_at).not.toBeNull();
  });

  it('records the properties as they are, whatever stands in them', async () => {
    const unit = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 1 }),
      fc.constantFrom(...'\'"\\?%_`\0\b\n\r\t\x1a\x7f\u2028;{}'),
    );
    const text = fc.string({ unit, maxLength: 20 });
    const properties = fc.dictionary(fc.string({ unit: fc.constantFrom(...'ab_1'), minLength: 1, maxLength: 5 }), text);
    await fc.assert(
      fc.asyncProperty(fc.array(properties, { minLength: 1, maxLength: 100 }), async (all) => {
        await emptyOutbox(outbox.db);
        await enqueueIds(outbox.db, range(1, all.length));
        const claimed = await claim(outbox.db);
        const outcomes = all.map((each, index) => synced(String(index + 1), { properties: each }));
        expect(await settle(outbox.db, claimed, outcomes)).toEqual({ settled: all.length, lost: 0 });
        const [rows] = await outbox.db.raw('SELECT source_id, sent_properties FROM hubspot_data');
        const held = new Map((rows as Record<string, string>[]).map((row) => [row.source_id, row.sent_properties]));
        expect(all.map((_, index) => held.get(String(index + 1)))).toEqual(all.map((each) => JSON.stringify(each)));
      }),
      { seed: 41, numRuns: 20 },
    );
  });

  it('leaves a row that changed meanwhile pending and due, and yet records what HubSpot accepted', async () => {
    await enqueueIds(outbox.db, ['1']);
    const claimed = await claim(outbox.db);
    await enqueueIds(outbox.db, ['1']);
    expect((await claim(outbox.db)).rows).toEqual([]);
    await settle(outbox.db, claimed, [synced('1')]);
    expect(await readRow(outbox.db, '1')).toMatchObject({ status: 'pending', hubspot_id: '91', claimed_by: null });
    const again = await claim(outbox.db);
    expect(again.rows).toMatchObject([
      { sourceId: '1', hubspotId: '91', matchValue: '1@example.com', sentProperties: { email: '1@example.com' } },
    ]);
    expect(again.rows[0]?.pendingSince).not.toBeNull();
  });

  it('does not poison a row that changed meanwhile', async () => {
    await enqueueIds(outbox.db, ['1']);
    const claimed = await claim(outbox.db);
    await enqueueIds(outbox.db, ['1']);
    await settle(outbox.db, claimed, [poison('1')]);
    expect(await readRow(outbox.db, '1')).toMatchObject({ status: 'pending', error_code: null, failed_at: null });
  });

  it('leaves a row alone that another worker has taken over', async () => {
    await enqueueIds(outbox.db, ['1']);
    const late = await claim(outbox.db, { leaseMs: 0 });
    const current = await claim(outbox.db, { workerId: 'w2' });
    expect(current.rows).toHaveLength(1);
    const before = await readRow(outbox.db, '1');
    expect(await settle(outbox.db, late, [synced('1')])).toEqual({ settled: 0, lost: 1 });
    expect(await readRow(outbox.db, '1')).toEqual(before);
    expect(await settle(outbox.db, current, [synced('1', { hubspotId: '7' })])).toEqual({ settled: 1, lost: 0 });
    expect(await readRow(outbox.db, '1')).toMatchObject({ status: 'synced', hubspot_id: '7' });
  });

  it('settles each kind of outcome of one batch', async () => {
    await enqueueIds(outbox.db, ['1', '2', '3', '4', '5']);
    const claimed = await claim(outbox.db);
    await settle(outbox.db, claimed, [
      { kind: 'later', sourceId: '5', delayMs: 3_600_000, countsAttempt: true },
      poison('4', { correlationId: 'c-1', properties: { email: 'x' } }),
      { kind: 'gone', sourceId: '3', isArchived: false },
      { kind: 'unchanged', sourceId: '2' },
      synced('1'),
    ]);
    expect(await readRow(outbox.db, '1')).toMatchObject({ status: 'synced' });
    expect(await readRow(outbox.db, '2')).toMatchObject({ status: 'synced', sent_at: null });
    expect(await readRow(outbox.db, '3')).toMatchObject({ status: 'gone' });
    expect(await readRow(outbox.db, '4')).toMatchObject({
      status: 'poison',
      attempts: 1,
      error_code: 'INVALID_EMAIL',
      error_property: 'email',
      error_value: 'x',
      error_message: 'is bad',
      error_correlation_id: 'c-1',
      error_properties: '{"email":"x"}',
    });
    expect(await readRow(outbox.db, '5')).toMatchObject({ status: 'pending', attempts: 1, claimed_by: null });
    expect((await claim(outbox.db)).rows).toEqual([]);
    expect(await countRows(outbox.db, "source_id = '5' AND due_at > UTC_TIMESTAMP(6) + INTERVAL 59 MINUTE")).toBe(1);
  });

  it('forgets the HubSpot record of a row only when it was archived', async () => {
    await enqueueIds(outbox.db, ['1', '2']);
    await settle(outbox.db, await claim(outbox.db), [synced('1'), synced('2')]);
    await enqueueIds(outbox.db, ['1', '2']);
    await settle(outbox.db, await claim(outbox.db), [
      { kind: 'gone', sourceId: '1', isArchived: false },
      { kind: 'gone', sourceId: '2', isArchived: true },
    ]);
    expect(await readRow(outbox.db, '1')).toMatchObject({ status: 'gone', hubspot_id: '91' });
    expect(await readRow(outbox.db, '2')).toMatchObject({ status: 'gone', hubspot_id: null, sent_properties: null });
  });

  it('makes a row that was to wait due at once when it changed meanwhile', async () => {
    await enqueueIds(outbox.db, ['1']);
    const claimed = await claim(outbox.db);
    await enqueueIds(outbox.db, ['1']);
    await settle(outbox.db, claimed, [{ kind: 'later', sourceId: '1', delayMs: 3_600_000, countsAttempt: false }]);
    expect((await claim(outbox.db)).rows).toHaveLength(1);
  });

  it('takes poison that was made pending by hand, without a revision or a beginning', async () => {
    await enqueueIds(outbox.db, ['1', '2']);
    await settle(outbox.db, await claim(outbox.db), [poison('1'), poison('2')]);
    await outbox.db.raw(
      "UPDATE hubspot_data SET status='pending', due_at=UTC_TIMESTAMP(6) WHERE status='poison' AND error_code='INVALID_EMAIL'",
    );
    const claimed = await claim(outbox.db);
    expect(claimed.rows.map(({ pendingSince }) => pendingSince)).toEqual([null, null]);
    await settle(outbox.db, claimed, [synced('1'), poison('2', { message: 'is still bad' })]);
    expect(await readRow(outbox.db, '1')).toMatchObject({ status: 'synced', error_code: null, error_message: null });
    expect(await readRow(outbox.db, '2')).toMatchObject({ status: 'poison', error_message: 'is still bad' });
  });

  it('tells ids apart that differ only in case, accents or an ending', async () => {
    const ids = ['a', 'A', 'ä', 'ß', 'ss', '😀', '?', "'", '\\', '\\?'];
    await enqueueIds(outbox.db, ids);
    const claimed = await claim(outbox.db);
    expect(claimed.rows).toHaveLength(ids.length);
    await settle(
      outbox.db,
      claimed,
      ids.map((id, index) => synced(id, { hubspotId: String(index) })),
    );
    for (const [index, id] of ids.entries()) {
      expect(await readRow(outbox.db, id)).toMatchObject({ status: 'synced', hubspot_id: String(index) });
    }
  });

  it('splits what is longer than the server takes at once, and keeps utf8mb4 whole', async () => {
    const ids = range(1, 60);
    await enqueueIds(outbox.db, ids);
    const claimed = await claim(outbox.db);
    const text = '"\\\n😀'.repeat(16_000);
    const long = await settle(
      outbox.db,
      claimed,
      ids.map((id) => synced(id, { properties: { a: text, b: text } })),
    );
    expect(long).toEqual({ settled: 60, lost: 0 });
    const [[row]] = await outbox.db.raw("SELECT sent_properties FROM hubspot_data WHERE source_id = '60'");
    expect(JSON.parse(row.sent_properties)).toEqual({ a: text, b: text });
  });

  it('cuts an overlong reason instead of failing', async () => {
    await enqueueIds(outbox.db, ['1']);
    const value = '😀'.repeat(40_000);
    await settle(outbox.db, await claim(outbox.db), [
      poison('1', { code: 'X'.repeat(99), property: 'p'.repeat(300), value, message: value }),
    ]);
    const row = await readRow(outbox.db, '1');
    expect(row.status).toBe('poison');
    expect(String(row.error_message)).toMatch(/^(?:😀)+…$/u);
  });
});
