import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyTriggers, dropTriggers } from '../../src/capture/apply.ts';
import { describePlan } from '../../src/capture/describe.ts';
import { planTriggers } from '../../src/capture/plan.ts';
import type { Mapping, ObjectMapping } from '../../src/config/mapping.ts';
import { backfill } from '../../src/outbox/backfill.ts';
import { type Captured, mappingOf, openCaptured } from './captured.ts';

const schema = `
  CREATE TABLE users (id INT PRIMARY KEY, uid INT NOT NULL UNIQUE, email VARCHAR(80), first_name VARCHAR(40), country_id INT);
  INSERT INTO users VALUES (1, 10, 'ann@x.de', 'Ann', 1), (2, 20, 'bob@x.de', 'Bob', 1)`;

const where = 'WHERE u.id IN (:ids)';
const query = `SELECT u.id AS source_id, u.email FROM users u ${where}`;

let captured: Captured;
beforeEach(async () => {
  captured = await openCaptured(schema);
});
afterEach(() => captured.close());

/** The mapping of one object, changed. */
function changed(change: Partial<ObjectMapping>): Mapping {
  const mapping = mappingOf(query);
  return { ...mapping, objects: mapping.objects.map((object) => ({ ...object, ...change })) };
}

const reasonFor = async (mapping: Mapping) => (await planTriggers(captured.db, mapping)).backfills[0]?.reason;

describe('a changed mapping', () => {
  it('asks for the backfill it needs, and says why, until that is done', async () => {
    const { db } = captured;
    const first = `SELECT u.id AS source_id, u.email FROM users u ${where}`;
    expect(await reasonFor(mappingOf(first))).toBe('never backfilled');
    await backfillAs(captured, mappingOf(first));
    expect(await reasonFor(mappingOf(first))).toBeUndefined();
    expect(await reasonFor(mappingOf(`  SELECT u.id AS source_id,\n u.email FROM users u ${where}`))).toBeUndefined();

    const wider = `SELECT u.id AS source_id, u.email, u.first_name AS firstname, u.country_id FROM users u ${where}`;
    expect(await reasonFor(mappingOf(wider))).toBe('the query has new columns: firstname, country_id');
    expect(await reasonFor(mappingOf(`SELECT u.id AS source_id, LOWER(u.email) AS email FROM users u ${where}`))).toBe(
      'the query changed',
    );

    const applied = await applyTriggers(db, mappingOf(wider));
    expect(applied.backfills).toEqual([
      { object: 'contacts', reason: 'the query has new columns: firstname, country_id' },
    ]);
    expect(describePlan(await planTriggers(db, mappingOf(wider)))).toContain(
      'contacts: the query has new columns: firstname, country_id. Run: hubspot-outbox backfill contacts',
    );
    await backfillAs(captured, mappingOf(wider));
    expect(await reasonFor(mappingOf(wider))).toBeUndefined();
  });

  it.each<[Partial<ObjectMapping>, string]>([
    [{ timeZone: 'Europe/Berlin' }, 'time_zone was UTC and is Europe/Berlin'],
    [{ matchOn: 'user_id' }, 'match_on was email and is user_id'],
    [{ type: 'companies' }, 'type was contacts and is companies'],
    [{ whenGone: 'archive' }, 'when_gone was keep and is archive'],
  ])('asks for a backfill whatever of it decides what HubSpot holds: %j', async (change, reason) => {
    await backfillAs(captured, mappingOf(query));
    expect(await reasonFor(changed(change))).toBe(reason);
    const applied = await applyTriggers(captured.db, changed(change));
    expect(applied).toMatchObject({ changes: [], backfills: [{ object: 'contacts', reason }] });
    expect(await reasonFor(changed(change))).toBe(reason);
    await backfillAs(captured, changed(change));
    expect(await reasonFor(changed(change))).toBeUndefined();
  });

  it('is refused where its rows would be taken for other HubSpot records, before anything is changed', async () => {
    const { db } = captured;
    await backfillAs(captured, mappingOf(query));
    await db.raw("UPDATE hubspot_data SET hubspot_id = '501' WHERE source_id = '1'");
    const key = { table: 'users', column: 'uid' };
    const byUid = { key, query: 'SELECT u.uid AS source_id, u.email FROM users u WHERE u.uid IN (:ids)' };
    for (const [name, change] of [
      ['type', { type: 'companies' }],
      ['key', byUid],
    ] as const) {
      await expect(applyTriggers(db, changed(change))).rejects.toMatchObject({
        code: 'OTHER_RECORDS',
        problems: [{ where: `objects.contacts.${name}`, fix: expect.stringContaining('another name') }],
      });
    }
    expect(await reasonFor(mappingOf(query))).toBeUndefined();
    const renamed = await applyTriggers(db, changed({ name: 'firms', type: 'companies' }));
    expect(renamed.backfills).toEqual([{ object: 'firms', reason: 'never backfilled' }]);
  });
});

describe('triggers that were dropped', () => {
  it('ask for a backfill when they stand again', async () => {
    await backfillAs(captured, mappingOf(query));
    await dropTriggers(captured.db);
    const reason = 'what changed while its triggers were dropped was not noted';
    expect(await applyTriggers(captured.db, mappingOf(query))).toMatchObject({ backfills: [{ reason }] });
    expect(await reasonFor(mappingOf(query))).toBe(reason);
  });

  it('are dropped where the outbox is gone already', async () => {
    await applyTriggers(captured.db, mappingOf(query));
    await captured.db.raw('DROP TABLE hubspot_object');
    expect(await dropTriggers(captured.db)).toHaveLength(3);
  });
});

async function backfillAs({ db }: Captured, mapping: Mapping): Promise<void> {
  await applyTriggers(db, mapping);
  await backfill(db, 'contacts', { table: 'users', column: 'id', kind: 'integer' }, () => {});
}
