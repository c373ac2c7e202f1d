import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { vacateHolders } from '../../src/batch/vacate.ts';
import { Breaker } from '../../src/hubspot/breaker.ts';
import { createHubspot, type Hubspot } from '../../src/hubspot/client.ts';
import { Pace } from '../../src/hubspot/pace.ts';
import type { Holder } from '../../src/outbox/match.ts';
import { reserve } from '../../src/outbox/match.ts';
import { settle } from '../../src/outbox/settle.ts';
import { claim, emptyOutbox, enqueueIds, type Outbox, openOutbox, readRow } from '../outbox/outbox.ts';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';

const never = new AbortController().signal;
const object = { name: 'contacts', type: 'contacts', matchOn: 'email' };
const EMAILS = { '1': 'one@example.com', '2': 'two@example.com' };

let outbox: Outbox;
let sandbox: TestSandbox;
let hubspot: Hubspot;
const breaker = new Breaker();
beforeAll(async () => {
  [outbox, sandbox] = await Promise.all([openOutbox(), startTestSandbox()]);
  const { url: baseUrl, token } = sandbox;
  hubspot = createHubspot({ token, baseUrl, timeoutMs: 60_000, pace: new Pace(1_000), breaker });
});
beforeEach(() => emptyOutbox(outbox.db));
afterAll(async () => {
  breaker.shutdown();
  await sandbox?.close();
  await outbox?.close();
});

/** Two synced rows that swap their e-mails are claimed together; the first vacates the second's. */
async function swap(meanwhile: () => Promise<void>) {
  const { db } = outbox;
  await enqueueIds(db, ['1', '2']);
  await reserve(
    db,
    'contacts',
    Object.entries(EMAILS).map(([sourceId, matchValue]) => ({ sourceId, matchValue })),
  );
  const inputs = Object.values(EMAILS).map((email) => ({
    id: email,
    idProperty: 'email',
    objectWriteTraceId: email,
    properties: { email },
  }));
  const { body } = await hubspot.upsert('contacts', inputs, never);
  const results = (body as { results: { id: string; properties: { email: string } }[] }).results;
  const idOf = (email: string) => results.find(({ properties }) => properties.email === email)?.id ?? '';
  const synced = Object.entries(EMAILS).map(
    ([sourceId, matchValue]) =>
      ({
        kind: 'synced',
        sourceId,
        hubspotId: idOf(matchValue),
        matchValue,
        properties: { email: matchValue },
      }) as const,
  );
  await settle(db, await claim(db), synced);
  await enqueueIds(db, ['1', '2']);
  const claimed = await claim(db);
  await meanwhile();
  const [one, two] = claimed.rows;
  if (one === undefined || two === undefined) throw new Error('not claimed');
  const candidate = { row: one, matchValue: EMAILS['2'], properties: { email: EMAILS['2'] } };
  const idle = { isInFlight: true, isPending: true, isDoubtful: false };
  const holder: Holder = { sourceId: '2', hubspotId: two.hubspotId, matchValue: EMAILS['2'], ...idle };
  const vacate = [{ candidate, holder, isRecordToo: false }];
  const admission = { admitted: [candidate], refused: [], vacate, takeOver: [], later: [] };
  const mayStart = async () => true;
  await vacateHolders({ db, hubspot, object, claim: claimed, mayStart }, admission, never);
  const properties = { email: EMAILS['1'] };
  const outcome = {
    kind: 'synced',
    sourceId: '2',
    hubspotId: two.hubspotId ?? '',
    matchValue: EMAILS['1'],
    properties,
  } as const;
  await settle(db, claimed, [outcome]);
  return readRow(db, '2');
}

it('a row that is vacated within its own batch ends with that batch', async () => {
  expect(await swap(async () => {})).toMatchObject({ status: 'synced' });
});

it('a row that changed since it was loaded is pending again after its own batch has vacated it', async () => {
  expect(await swap(() => enqueueIds(outbox.db, ['2']))).toMatchObject({ status: 'pending', claimed_by: null });
});
