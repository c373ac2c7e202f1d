import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  forgetMatchValue,
  freeMatchValues,
  holdForVacating,
  readHolders,
  reserve,
  takeOver,
} from '../../src/outbox/match.ts';
import { settle } from '../../src/outbox/settle.ts';
import { claim, emptyOutbox, enqueueIds, type Outbox, openOutbox, range, readRow } from './outbox.ts';

let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox();
});
afterAll(() => outbox.close());
beforeEach(() => emptyOutbox(outbox.db));

const wanted = (sourceId: string, matchValue: string) => ({ sourceId, matchValue });

async function sync(id: string, matchValue: string): Promise<void> {
  await enqueueIds(outbox.db, [id]);
  await reserve(outbox.db, 'contacts', [wanted(id, matchValue)]);
  await settle(outbox.db, await claim(outbox.db), [
    { kind: 'synced', sourceId: id, hubspotId: `9${id}`, matchValue, properties: {} },
  ]);
}

async function refuse(id: string, value: string): Promise<void> {
  await enqueueIds(outbox.db, [id]);
  await settle(outbox.db, await claim(outbox.db), [
    { kind: 'poison', sourceId: id, code: 'DUPLICATE_MATCH', value, message: 'twice' },
  ]);
}

describe('match values', () => {
  it('belong to whoever reserved them first', async () => {
    expect(await reserve(outbox.db, 'contacts', [wanted('1', 'a@x.de')])).toEqual(new Map([['a@x.de', '1']]));
    const owners = await reserve(outbox.db, 'contacts', [wanted('2', 'a@x.de'), wanted('2', 'b@x.de')]);
    expect(owners).toEqual(
      new Map([
        ['a@x.de', '1'],
        ['b@x.de', '2'],
      ]),
    );
    expect(await reserve(outbox.db, 'companies', [wanted('2', 'a@x.de')])).toEqual(new Map([['a@x.de', '2']]));
  });

  it('have one owner each when two workers reserve the same at once', async () => {
    const other = await outbox.another();
    const values = range(1, 100).map((id) => `${id}@x.de`);
    const [first, second] = await Promise.all([
      reserve(
        outbox.db,
        'contacts',
        values.map((value) => wanted('one', value)),
      ),
      reserve(
        other,
        'contacts',
        [...values].reverse().map((value) => wanted('two', value)),
      ),
    ]);
    for (const value of values) expect(first.get(value)).toBe(second.get(value));
  });

  it('are told apart when they are long, and not by trailing spaces', async () => {
    const long = 'x'.repeat(500);
    const owners = await reserve(outbox.db, 'contacts', [wanted('1', `${long}1`), wanted('2', `${long}2`)]);
    expect([...owners.values()]).toEqual(['1', '2']);
    await reserve(outbox.db, 'contacts', [wanted('3', 'a')]);
    expect(await reserve(outbox.db, 'contacts', [wanted('4', 'a ')])).toEqual(new Map([['a ', '3']]));
  });

  it('are freed once a row holds another, and wake the rows refused because of them', async () => {
    await sync('1', 'old@x.de');
    await refuse('2', 'old@x.de');
    await reserve(outbox.db, 'contacts', [wanted('1', 'new@x.de'), wanted('9', 'other@x.de')]);
    await refuse('3', 'other@x.de');
    await freeMatchValues(outbox.db, 'contacts', [{ sourceId: '1', matchValue: 'new@x.de' }]);
    expect(await readRow(outbox.db, '2')).toMatchObject({ status: 'pending', revision: '2' });
    expect(await readRow(outbox.db, '3')).toMatchObject({ status: 'poison' });
    const owners = await reserve(outbox.db, 'contacts', [wanted('2', 'old@x.de'), wanted('2', 'new@x.de')]);
    expect(owners.get('old@x.de')).toBe('2');
    expect(owners.get('new@x.de')).toBe('1');
  });

  it('wake rows refused because of a long one, too', async () => {
    const long = `${'x'.repeat(400)}@x.de`;
    await sync('1', long.slice(0, 250));
    await reserve(outbox.db, 'contacts', [wanted('1', long)]);
    await refuse('2', long);
    await freeMatchValues(outbox.db, 'contacts', [{ sourceId: '1', matchValue: null }]);
    expect(await readRow(outbox.db, '2')).toMatchObject({ status: 'pending' });
  });

  it('are not freed while their row is in flight again', async () => {
    await sync('1', 'a@x.de');
    await enqueueIds(outbox.db, ['1']);
    await claim(outbox.db);
    await reserve(outbox.db, 'contacts', [wanted('1', 'next@x.de')]);
    await freeMatchValues(outbox.db, 'contacts', [{ sourceId: '1', matchValue: 'a@x.de' }]);
    expect(await reserve(outbox.db, 'contacts', [wanted('2', 'next@x.de')])).toEqual(new Map([['next@x.de', '1']]));
  });

  it('pass to another row only from the one that owns them', async () => {
    await reserve(outbox.db, 'contacts', [wanted('1', 'a@x.de')]);
    expect(await takeOver(outbox.db, 'contacts', 'a@x.de', '3', '2')).toBe(false);
    expect(await takeOver(outbox.db, 'contacts', 'a@x.de', '1', '2')).toBe(true);
    expect(await reserve(outbox.db, 'contacts', [wanted('1', 'a@x.de')])).toEqual(new Map([['a@x.de', '2']]));
  });

  it('are taken from a row by holding it: pending, everything to be sent again, no older settle wins', async () => {
    await sync('1', 'a@x.de');
    await enqueueIds(outbox.db, ['1']);
    const mine = await claim(outbox.db);
    expect(await holdForVacating(outbox.db, 'contacts', '1', 'w2:token', 60_000)).toBeNull();
    const revision = await holdForVacating(outbox.db, 'contacts', '1', mine.token, 60_000);
    expect(revision).toBe('3');
    await forgetMatchValue(outbox.db, 'contacts', '1');
    await settle(outbox.db, mine, [{ kind: 'unchanged', sourceId: '1' }]);
    expect(await readRow(outbox.db, '1')).toMatchObject({
      status: 'pending',
      bulk: 0,
      sent_properties: null,
      match_value: '',
      hubspot_id: '91',
    });
  });

  it('tell what their holder is doing', async () => {
    await sync('1', 'a@x.de');
    await enqueueIds(outbox.db, ['2']);
    await claim(outbox.db);
    expect(await readHolders(outbox.db, 'contacts', ['1', '2', '3'])).toEqual(
      new Map([
        [
          '1',
          {
            sourceId: '1',
            hubspotId: '91',
            matchValue: 'a@x.de',
            isInFlight: false,
            isPending: false,
            isDoubtful: false,
          },
        ],
        [
          '2',
          { sourceId: '2', hubspotId: null, matchValue: null, isInFlight: true, isPending: true, isDoubtful: false },
        ],
      ]),
    );
  });
});
