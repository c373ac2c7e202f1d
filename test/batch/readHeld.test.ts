import { afterAll, beforeAll, expect, it } from 'vitest';
import { readHeld } from '../../src/batch/held.ts';
import { Breaker } from '../../src/hubspot/breaker.ts';
import { createHubspot, type Hubspot } from '../../src/hubspot/client.ts';
import { Pace } from '../../src/hubspot/pace.ts';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';

const never = new AbortController().signal;
const byEmail = { type: 'contacts', names: ['city'], by: 'email' };

let sandbox: TestSandbox;
let hubspot: Hubspot;
const breaker = new Breaker();
beforeAll(async () => {
  sandbox = await startTestSandbox();
  const { url: baseUrl, token } = sandbox;
  hubspot = createHubspot({ token, baseUrl, timeoutMs: 60_000, pace: new Pace(1_000), breaker });
  await hubspot.upsert(
    'contacts',
    ['ada', 'bea', 'cyd'].map((name) => ({
      id: `${name}@example.com`,
      idProperty: 'email',
      objectWriteTraceId: name,
      properties: { email: `${name}@example.com`, city: name, hs_additional_emails: `${name}@old.example.com` },
    })),
    never,
  );
});
afterAll(async () => {
  breaker.shutdown();
  await sandbox?.close();
});

it('reads contacts back by their secondary e-mails too, each for itself, and says which are not there', async () => {
  const ids = ['ada@example.com', 'bea@old.example.com', 'nobody@example.com', 'Cyd@old.example.com'];
  const holding = await readHeld(hubspot, byEmail, ids, never);
  expect([...(holding?.found ?? [])].map(([id, { properties }]) => [id, properties.city])).toEqual([
    ['ada@example.com', 'ada'],
    ['bea@old.example.com', 'bea'],
    ['Cyd@old.example.com', 'cyd'],
  ]);
  expect([...(holding?.missing ?? [])]).toEqual(['nobody@example.com']);
  expect(holding?.calls).toBe(3);
});

it('asks once when everything answers to its name', async () => {
  expect(await readHeld(hubspot, byEmail, ['ada@example.com', 'no@example.com'], never)).toMatchObject({ calls: 1 });
  expect(await readHeld(hubspot, byEmail, [], never)).toMatchObject({ calls: 0 });
});

it('guesses nothing where HubSpot returns less than it was asked for', async () => {
  await sandbox.fault({ path: 'batch/read', times: 1, action: 'drop-results' });
  const holding = await readHeld(hubspot, byEmail, ['ada@example.com', 'bea@example.com'], never);
  expect(holding?.found.size ?? 0).toBeLessThan(2);
  expect([...(holding?.found ?? [])].every(([id, { properties }]) => id === `${properties.city}@example.com`)).toBe(
    true,
  );
  expect(holding?.missing.size ?? 0).toBe(0);
});
