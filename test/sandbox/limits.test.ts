import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/program.ts';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';
import { batch, call, traced } from './api.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
  await sandbox.clearCalls();
});
afterAll(() => sandbox?.close());
afterEach(async () => {
  await sandbox.options({ plan: 'unlimited', callsPer10s: null, callsPerDay: null, scopes: null });
  await sandbox.clearCalls();
});

const get = () => call(sandbox, 'GET', '/crm/v3/properties/contacts');

describe('the limits of the sandbox', () => {
  it('let so many calls of ten seconds pass, and refuse the next', async () => {
    await sandbox.options({ callsPer10s: 3 });
    const answers = await Promise.all(Array.from({ length: 4 }, get));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    const [refused] = answers.filter(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({
      errorType: 'RATE_LIMIT',
      policyName: 'TEN_SECONDLY_ROLLING',
      message: 'You have reached your ten_secondly_rolling limit.',
    });
    expect(await sandbox.counts()).toMatchObject({ daily: 3, refused: 1 });
  });

  it.each([
    ['free', '100', '250000'],
    ['starter', '100', '250000'],
    ['pro', '190', '650000'],
    ['enterprise', '190', '1000000'],
    ['unlimited', null, null],
  ] as const)('are those of the plan %s', async (plan, per10s, daily) => {
    await sandbox.options({ plan });
    const { headers } = await get();
    expect([headers.get('x-hubspot-ratelimit-max'), headers.get('x-hubspot-ratelimit-daily')]).toEqual([per10s, daily]);
  });

  it('say in headers what is left', async () => {
    await sandbox.options({ plan: 'pro', callsPer10s: 7 });
    await get();
    const { headers } = await get();
    expect(Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-hubspot')))).toEqual({
      'x-hubspot-ratelimit-max': '7',
      'x-hubspot-ratelimit-remaining': '5',
      'x-hubspot-ratelimit-interval-milliseconds': '10000',
      'x-hubspot-ratelimit-daily': '650000',
      'x-hubspot-ratelimit-daily-remaining': '649998',
    });
  });

  it('let calls pass again once earlier ones are ten seconds old', async () => {
    await sandbox.options({ callsPer10s: 1 });
    const begun = Date.now();
    expect((await get()).status).toBe(200);
    expect((await get()).status).toBe(429);
    await until(async () => (await get()).status === 200);
    expect(Date.now() - begun).toBeGreaterThan(9_900);
  });

  it('end a day, refusing everything after it', async () => {
    await sandbox.options({ callsPerDay: 2 });
    expect([(await get()).status, (await get()).status]).toEqual([200, 200]);
    expect(await get()).toMatchObject({ status: 429, body: { policyName: 'DAILY' } });
    const usage = await sandbox.counts();
    expect(usage).toMatchObject({ daily: 2, refused: 1 });
  });

  it('write nothing of a call they refuse', async () => {
    await sandbox.options({ callsPerDay: 1 });
    await get();
    expect((await batch(sandbox, 'upsert', [traced('late@example.com')])).status).toBe(429);
    expect((await sandbox.records('contacts')).map(({ properties }) => properties.email)).not.toContain(
      'late@example.com',
    );
  });
});

describe('the rights of a token in the sandbox', () => {
  it('are all or none: another token is refused', async () => {
    for (const token of ['pat-other', '']) {
      expect(await call({ url: sandbox.url, token }, 'GET', '/crm/v3/properties/contacts')).toMatchObject({
        status: 401,
        body: { status: 'error', category: 'INVALID_AUTHENTICATION' },
      });
    }
  });

  it('are its scopes, when it has only some', async () => {
    await sandbox.options({ scopes: ['crm.objects.contacts.read', 'crm.schemas.contacts.read'] });
    expect((await get()).status).toBe(200);
    expect((await batch(sandbox, 'read', [{ id: '1' }])).status).toBe(207);
    expect(await batch(sandbox, 'upsert', [traced('a@example.com')])).toMatchObject({
      status: 403,
      body: {
        category: 'MISSING_SCOPES',
        errors: [{ context: { requiredGranularScopes: ['crm.objects.contacts.write'] } }],
      },
    });
    expect((await call(sandbox, 'GET', '/crm/v3/properties/0-3')).text).toContain('crm.schemas.deals.read');
    expect((await call(sandbox, 'POST', '/crm/v3/properties/2-77', {})).text).toContain('crm.schemas.custom.write');
  });
});
