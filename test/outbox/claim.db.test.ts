import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { renew } from '../../src/outbox/claim.ts';
import { DueFloor } from '../../src/outbox/dueFloor.ts';
import { settle } from '../../src/outbox/settle.ts';
import { claim, countRows, emptyOutbox, enqueueIds, type Outbox, openOutbox, range, readRow } from './outbox.ts';

let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox();
});
afterAll(() => outbox.close());
beforeEach(() => emptyOutbox(outbox.db));

const ids = ({ rows }: { rows: { sourceId: string }[] }) => rows.map(({ sourceId }) => sourceId);

describe('claim', () => {
  it('takes due rows of the object, at most as many as asked for, in the order they became due', async () => {
    for (const id of ['3', '1', '2']) await enqueueIds(outbox.db, [id]);
    await enqueueIds(outbox.db, ['9'], { object: 'companies' });
    expect(ids(await claim(outbox.db, { limit: 2 }))).toEqual(['3', '1']);
    expect(ids(await claim(outbox.db, { limit: 2 }))).toEqual(['2']);
    expect(ids(await claim(outbox.db))).toEqual([]);
  });

  it('says when nothing else was due', async () => {
    await enqueueIds(outbox.db, ['1', '2', '3']);
    expect((await claim(outbox.db, { limit: 2 })).mayBeMore).toBe(true);
    expect((await claim(outbox.db, { limit: 2 })).mayBeMore).toBe(false);
    expect((await claim(outbox.db, { limit: 2 })).mayBeMore).toBe(false);
  });

  it('takes what came singly before what came in a mass, and fills up with that', async () => {
    await enqueueIds(outbox.db, range(1, 50), { isBulk: true });
    await enqueueIds(outbox.db, ['single']);
    const claimed = await claim(outbox.db, { limit: 10 });
    expect(ids(claimed)[0]).toBe('single');
    expect(claimed.rows).toHaveLength(10);
  });

  it('takes what has waited longest, whatever it came with, when asked for the oldest', async () => {
    await enqueueIds(outbox.db, ['mass'], { isBulk: true });
    await enqueueIds(outbox.db, ['single']);
    expect(ids(await claim(outbox.db, { limit: 1, order: 'oldest' }))).toEqual(['mass']);
  });

  it('takes a row of a mass change first once it changes singly', async () => {
    await enqueueIds(outbox.db, range(1, 50), { isBulk: true });
    await enqueueIds(outbox.db, ['44']);
    expect(ids(await claim(outbox.db, { limit: 1 }))).toEqual(['44']);
  });

  it('keeps the place of a row that changes again and again', async () => {
    await enqueueIds(outbox.db, ['first']);
    await enqueueIds(outbox.db, ['second']);
    await enqueueIds(outbox.db, ['first']);
    expect(ids(await claim(outbox.db, { limit: 1 }))).toEqual(['first']);
  });

  it('shares rows between workers that claim at once, none twice, none left', async () => {
    await enqueueIds(outbox.db, range(1, 500));
    const other = await outbox.another();
    const claims = await Promise.all(
      [outbox.db, other, outbox.db, other, other].map((db, index) => claim(db, { workerId: `w${index}`, limit: 100 })),
    );
    const all = claims.flatMap(ids);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(500);
  });

  it('gives the rows of a worker that died to the next once its lease ends', async () => {
    await enqueueIds(outbox.db, ['1']);
    const dead = await claim(outbox.db, { leaseMs: 300 });
    expect(dead.rows).toHaveLength(1);
    let taken = await claim(outbox.db, { workerId: 'w2' });
    while (taken.rows.length === 0) taken = await claim(outbox.db, { workerId: 'w2' });
    expect(ids(taken)).toEqual(['1']);
    expect(await countRows(outbox.db, "claimed_by LIKE 'w2:%'")).toBe(1);
    expect(await settle(outbox.db, dead, [{ kind: 'unchanged', sourceId: '1' }])).toEqual({ settled: 0, lost: 1 });
    expect(await readRow(outbox.db, '1')).toMatchObject({ status: 'pending', claimed_by: taken.token });
  });

  it('meets the rows of a worker that died also where only what became due lately is looked at', async () => {
    await enqueueIds(outbox.db, ['1']);
    await outbox.db.raw('UPDATE hubspot_data SET due_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR');
    await claim(outbox.db, { leaseMs: 300 });
    const floor = new DueFloor();
    let taken = await claim(outbox.db, { workerId: 'w2', floor });
    expect(floor.withinMs(performance.now())).not.toBeNull();
    while (taken.rows.length === 0) taken = await claim(outbox.db, { workerId: 'w2', floor });
    expect(ids(taken)).toEqual(['1']);
  });

  it('says nothing of when a row is due, so that no index of the queue moves', async () => {
    await enqueueIds(outbox.db, ['1']);
    const { due_at: before } = await readRow(outbox.db, '1');
    const claimed = await claim(outbox.db);
    await renew(outbox.db, claimed);
    expect((await readRow(outbox.db, '1')).due_at).toBe(before);
    // Nor does one who writes it by hand give the row to somebody else.
    await outbox.db.raw('UPDATE hubspot_data SET due_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND');
    expect(ids(await claim(outbox.db, { workerId: 'w2' }))).toEqual([]);
  });

  it('does not hand out a claimed row that changes meanwhile', async () => {
    await enqueueIds(outbox.db, ['1']);
    await claim(outbox.db);
    await enqueueIds(outbox.db, ['1']);
    expect(ids(await claim(outbox.db, { workerId: 'w2' }))).toEqual([]);
  });

  it('counts what is no JSON as never sent', async () => {
    await enqueueIds(outbox.db, ['1']);
    await outbox.db.raw("UPDATE hubspot_data SET sent_properties = '{oops'");
    expect((await claim(outbox.db)).rows[0]?.sentProperties).toBeNull();
  });
});
