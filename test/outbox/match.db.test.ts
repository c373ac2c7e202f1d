import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  forgetMatchValue,
  freeMatchValues,
  giveUpRecord,
  holdForVacating,
  readHolders,
  releaseValues,
  rememberRecord,
  reserve,
  takeOver,
} from '../../src/outbox/match.ts';
import { settle } from '../../src/outbox/settle.ts';
import { until } from '../support/program.ts';
import { isWaitingForRow } from '../support/sessions.ts';
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

  it('that a row is said to hold are its own only where they are', async () => {
    await reserve(outbox.db, 'contacts', [wanted('1', 'own@x.de'), wanted('9', 'others@x.de')]);
    const asHeld = ['own@x.de', 'others@x.de', 'nobodys@x.de'].map((value) => ({
      ...wanted('1', value),
      isHeld: true,
    }));
    const owners = new Map([
      ['own@x.de', '1'],
      ['others@x.de', '9'],
      ['nobodys@x.de', '1'],
      ['new@x.de', '2'],
    ]);
    expect(await reserve(outbox.db, 'contacts', [...asHeld, wanted('2', 'new@x.de')])).toEqual(owners);
    expect(
      await reserve(
        outbox.db,
        'contacts',
        [...owners.keys()].map((value) => wanted('3', value)),
      ),
    ).toEqual(owners);
  });

  it('that a row is said to hold are waited for while they pass to another', async () => {
    await reserve(outbox.db, 'contacts', [wanted('1', 'a@x.de')]);
    const trx = await outbox.db.transaction();
    await trx.raw("UPDATE hubspot_match SET source_id = '2' WHERE object = 'contacts' AND match_value = 'a@x.de'");
    const reserving = reserve(outbox.db, 'contacts', [{ ...wanted('1', 'a@x.de'), isHeld: true }]);
    await until(() => isWaitingForRow((sql) => outbox.db.raw(sql)));
    await trx.commit();
    expect(await reserving).toEqual(new Map([['a@x.de', '2']]));
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

  describe('that pass to another row', () => {
    const passing = { matchValue: 'a@x.de', from: '1', to: '2', isRecordToo: true };
    const ownerOf = async (value: string) =>
      (await reserve(outbox.db, 'contacts', [wanted('nobody', value)])).get(value) ?? '';
    const end = () => outbox.db.raw('UPDATE hubspot_data SET claimed_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND');

    /** Row 1 is gone and has a record; the claim of row 2, which wants its value. */
    async function contest() {
      await sync('1', 'a@x.de');
      await outbox.db.raw("UPDATE hubspot_data SET status = 'gone' WHERE source_id = '1'");
      await enqueueIds(outbox.db, ['2']);
      return claim(outbox.db);
    }

    it('take the record along', async () => {
      const { token } = await contest();
      expect(await takeOver(outbox.db, 'contacts', passing, token)).toBe(true);
      expect(await ownerOf('a@x.de')).toBe('2');
      expect(await readRow(outbox.db, '1')).toMatchObject({
        hubspot_id: null,
        match_value: null,
        sent_properties: null,
      });
    });

    it('leave the record where it is when it does not belong to them', async () => {
      const { token } = await contest();
      expect(await takeOver(outbox.db, 'contacts', { ...passing, isRecordToo: false }, token)).toBe(true);
      expect(await ownerOf('a@x.de')).toBe('2');
      expect(await readRow(outbox.db, '1')).toMatchObject({ hubspot_id: '91', match_value: 'a@x.de' });
    });

    it('come from the row that owns them, or stay, and the record with them', async () => {
      const { token } = await contest();
      expect(await takeOver(outbox.db, 'contacts', { ...passing, matchValue: 'b@x.de' }, token)).toBe(false);
      expect(await readRow(outbox.db, '1')).toMatchObject({ hubspot_id: '91' });
      expect(await ownerOf('a@x.de')).toBe('1');
    });

    it.each([
      ['whose claim has ended', end],
      [
        'whose row another worker has by now',
        async () => {
          await end();
          await outbox.db.raw('UPDATE hubspot_data SET due_at = UTC_TIMESTAMP(6)');
          expect((await claim(outbox.db, { workerId: 'w2' })).rows).toHaveLength(1);
        },
      ],
      [
        'while somebody else has their owner in flight',
        () =>
          outbox.db.raw(
            `UPDATE hubspot_data SET claimed_by = 'w2:1', claimed_until = UTC_TIMESTAMP(6) + INTERVAL 1 MINUTE
             WHERE source_id = '1'`,
          ),
      ],
    ])('do not by a worker %s', async (_, meanwhile) => {
      const { token } = await contest();
      await meanwhile();
      expect(await takeOver(outbox.db, 'contacts', passing, token)).toBe(false);
      expect(await readRow(outbox.db, '1')).toMatchObject({ hubspot_id: '91', match_value: 'a@x.de' });
      expect(await ownerOf('a@x.de')).toBe('1');
    });
  });

  describe('of a row whose claim has ended', () => {
    async function endedClaim(): Promise<string> {
      await sync('1', 'a@x.de');
      await enqueueIds(outbox.db, ['1']);
      const { token } = await claim(outbox.db);
      await outbox.db.raw("UPDATE hubspot_data SET claimed_by = 'w2:1'");
      return token;
    }

    it('are not released, and what HubSpot holds of it is not forgotten', async () => {
      const token = await endedClaim();
      await releaseValues(outbox.db, 'contacts', '1', ['a@x.de'], token);
      await giveUpRecord(outbox.db, 'contacts', '1', token);
      await forgetMatchValue(outbox.db, 'contacts', '1', token);
      expect(await readRow(outbox.db, '1')).toMatchObject({ hubspot_id: '91', match_value: 'a@x.de' });
      expect(await reserve(outbox.db, 'contacts', [wanted('2', 'a@x.de')])).toEqual(new Map([['a@x.de', '1']]));
    });

    it('are, and it is, by the worker that has it now', async () => {
      await endedClaim();
      await forgetMatchValue(outbox.db, 'contacts', '1', 'w2:1');
      expect(await readRow(outbox.db, '1')).toMatchObject({ hubspot_id: '91', match_value: '' });
      await giveUpRecord(outbox.db, 'contacts', '1', 'w2:1');
      expect(await readRow(outbox.db, '1')).toMatchObject({ hubspot_id: null, match_value: null });
      await releaseValues(outbox.db, 'contacts', '1', ['a@x.de'], 'w2:1');
      expect(await reserve(outbox.db, 'contacts', [wanted('2', 'a@x.de')])).toEqual(new Map([['a@x.de', '2']]));
    });
  });

  it('tell whose a record is that was found by them, unless they went to another row meanwhile', async () => {
    await enqueueIds(outbox.db, ['1']);
    await reserve(outbox.db, 'contacts', [wanted('1', 'a@x.de'), wanted('2', 'b@x.de')]);
    const remember = (key: string) => rememberRecord(outbox.db, 'contacts', '1', { hubspotId: '91', key }, 'w1:1');
    await remember('b@x.de');
    expect(await readRow(outbox.db, '1')).toMatchObject({ hubspot_id: null });
    await remember('a@x.de');
    expect(await readRow(outbox.db, '1')).toMatchObject({ hubspot_id: '91' });
  });

  it('are taken from a row by holding it: pending, everything to be sent again, no older settle wins', async () => {
    await sync('1', 'a@x.de');
    await enqueueIds(outbox.db, ['1']);
    const mine = await claim(outbox.db);
    expect(await holdForVacating(outbox.db, 'contacts', '1', 'w2:token', 60_000)).toBeNull();
    const revision = await holdForVacating(outbox.db, 'contacts', '1', mine.token, 60_000);
    expect(revision).toBe('3');
    await forgetMatchValue(outbox.db, 'contacts', '1', mine.token);
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
