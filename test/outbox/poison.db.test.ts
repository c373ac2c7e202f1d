import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reserve } from '../../src/outbox/match.ts';
import {
  countPoison,
  discardPoison,
  groupPoison,
  type PoisonRow,
  pagePoison,
  retryPoison,
} from '../../src/outbox/poison.ts';
import { settle } from '../../src/outbox/settle.ts';
import { claim, countRows, emptyOutbox, enqueueIds, type Outbox, openOutbox, range, readRow } from './outbox.ts';

let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox();
});
afterAll(() => outbox.close());
beforeEach(() => emptyOutbox(outbox.db));

async function poison(ids: readonly string[], code = 'INVALID_EMAIL', property = 'email'): Promise<void> {
  await enqueueIds(outbox.db, ids);
  await settle(
    outbox.db,
    await claim(outbox.db, { limit: 10_000 }),
    ids.map((sourceId) => ({
      kind: 'poison',
      sourceId,
      code,
      property,
      value: `v${sourceId}`,
      message: 'is bad',
      properties: { a: '1' },
    })),
  );
}

async function sync(id: string): Promise<void> {
  await enqueueIds(outbox.db, [id]);
  await reserve(outbox.db, 'contacts', [{ sourceId: id, matchValue: `${id}@x.de` }]);
  await settle(outbox.db, await claim(outbox.db), [
    { kind: 'synced', sourceId: id, hubspotId: `9${id}`, matchValue: `${id}@x.de`, properties: {} },
  ]);
}

describe('poison', () => {
  it('is grouped by code and property, most first, with a sample', async () => {
    await poison(['1', '2', '3']);
    await poison(['4'], 'INVALID_DATE', 'birthday');
    expect(await groupPoison(outbox.db, {})).toMatchObject([
      { object: 'contacts', code: 'INVALID_EMAIL', property: 'email', rows: 3, sample: '1' },
      { object: 'contacts', code: 'INVALID_DATE', property: 'birthday', rows: 1, sample: '4' },
    ]);
    expect(await groupPoison(outbox.db, { object: 'deals' })).toEqual([]);
  });

  it('is read page by page, each row once', async () => {
    await poison(range(1, 2_500));
    const pages: PoisonRow[][] = [];
    for await (const page of pagePoison(outbox.db, {})) pages.push(page);
    expect(pages.map((page) => page.length)).toEqual([1_000, 1_000, 500]);
    expect(new Set(pages.flat().map(({ source_id }) => source_id)).size).toBe(2_500);
  });

  it('is counted by each condition', async () => {
    await poison(['1', '2']);
    await poison(['3'], 'INVALID_DATE');
    expect(await countPoison(outbox.db, {})).toBe(3);
    expect(await countPoison(outbox.db, { code: 'INVALID_EMAIL' })).toBe(2);
    expect(await countPoison(outbox.db, { sourceId: '3' })).toBe(1);
    expect(await countPoison(outbox.db, { sourceId: '3', code: 'INVALID_EMAIL' })).toBe(0);
    expect(await countPoison(outbox.db, { object: 'deals' })).toBe(0);
  });
});

describe('poison, sent again', () => {
  it('is due at once, before any mass change, and its reason stays readable until then', async () => {
    await enqueueIds(outbox.db, ['mass'], { isBulk: true });
    await claim(outbox.db);
    await poison(['1']);
    expect(await retryPoison(outbox.db, {})).toBe(1);
    expect(await readRow(outbox.db, '1')).toMatchObject({
      status: 'pending',
      bulk: 0,
      attempts: 0,
      revision: '2',
      error_code: 'INVALID_EMAIL',
    });
    expect((await claim(outbox.db)).rows.map(({ sourceId }) => sourceId)).toEqual(['1']);
  });

  it('is only what the conditions name, and more than a page of it', async () => {
    await poison(range(1, 2_500));
    await poison(['x'], 'INVALID_DATE');
    expect(await retryPoison(outbox.db, { code: 'INVALID_EMAIL' })).toBe(2_500);
    expect(await countRows(outbox.db, "status = 'pending'")).toBe(2_500);
    expect(await readRow(outbox.db, 'x')).toMatchObject({ status: 'poison' });
    expect(await retryPoison(outbox.db, { code: 'INVALID_EMAIL' })).toBe(0);
  });

  it('ends although rows are poisoned again beside it', async () => {
    await poison(range(1, 2_500));
    let isRetrying = true;
    const retried = retryPoison(outbox.db, {}).finally(() => {
      isRetrying = false;
    });
    const other = await outbox.another();
    while (isRetrying) {
      const claimed = await claim(other, { limit: 500 });
      await settle(
        other,
        claimed,
        claimed.rows.map(({ sourceId }) => ({ kind: 'poison', sourceId, code: 'AGAIN', message: 'bad' })),
      );
    }
    expect(await retried).toBe(2_500);
  });
});

describe('poison, discarded', () => {
  it('counts as settled: gone where HubSpot never took it, synced where it did, and no reason is left', async () => {
    await sync('2');
    await poison(['1', '2']);
    expect(await discardPoison(outbox.db, {})).toBe(2);
    const clear = { error_code: null, error_property: null, error_value: null, error_message: null, failed_at: null };
    expect(await readRow(outbox.db, '1')).toMatchObject({ status: 'gone', ...clear });
    expect(await readRow(outbox.db, '2')).toMatchObject({ status: 'synced', hubspot_id: '92', ...clear });
    expect((await claim(outbox.db)).rows).toEqual([]);
  });

  it('comes back when it changes at its source', async () => {
    await poison(['1']);
    await discardPoison(outbox.db, {});
    await enqueueIds(outbox.db, ['1']);
    expect((await claim(outbox.db)).rows).toHaveLength(1);
  });

  it('frees the match value that HubSpot never took, keeps the one it holds, and wakes who was refused for it', async () => {
    await sync('1');
    await reserve(outbox.db, 'contacts', [{ sourceId: '1', matchValue: 'wanted@x.de' }]);
    await poison(['1']);
    await enqueueIds(outbox.db, ['2']);
    await settle(outbox.db, await claim(outbox.db), [
      { kind: 'poison', sourceId: '2', code: 'DUPLICATE_MATCH', value: 'wanted@x.de', message: 'twice' },
    ]);
    await discardPoison(outbox.db, { sourceId: '1' });
    expect(await readRow(outbox.db, '2')).toMatchObject({ status: 'pending' });
    const owners = await reserve(outbox.db, 'contacts', [
      { sourceId: '2', matchValue: 'wanted@x.de' },
      { sourceId: '2', matchValue: '1@x.de' },
    ]);
    expect([owners.get('wanted@x.de'), owners.get('1@x.de')]).toEqual(['2', '1']);
  });

  it('leaves a row alone that is not poisoned any more, and a claim on it', async () => {
    await poison(['1']);
    await retryPoison(outbox.db, {});
    const claimed = await claim(outbox.db);
    expect(await discardPoison(outbox.db, { sourceId: '1' })).toBe(0);
    expect(await settle(outbox.db, claimed, [{ kind: 'unchanged', sourceId: '1' }])).toMatchObject({ settled: 1 });
    expect(await readRow(outbox.db, '1')).toMatchObject({ status: 'synced' });
  });
});
