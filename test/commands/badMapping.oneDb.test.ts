import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Change, type Misfits, openMisfits } from './misfits.ts';
import { expectRefused } from './refused.ts';

// It fits the database. What HubSpot says of it, and of the token, is the same whichever server that is.
describe('a mapping that does not fit HubSpot', () => {
  let misfits: Misfits;
  beforeAll(async () => {
    misfits = await openMisfits();
  });
  afterAll(() => misfits?.close());

  const toHubspot: [title: string, change: Change, ...says: string[]][] = [
    [
      'an unknown object type',
      { name: 'contcts' },
      'objects.contcts.type: HubSpot has no object type contcts',
      'use a name like contacts',
    ],
    [
      'an unknown property',
      { select: ', u.first_name AS fristname' },
      'objects.contacts.query: HubSpot has no property fristname for contacts; did you mean firstname?',
    ],
    [
      'a read-only property',
      { select: ', u.registered_at AS createdate' },
      'objects.contacts.query: the property createdate is read-only',
    ],
    [
      'a match_on without unique values',
      { name: 'companies', matchOn: 'domain', select: ', u.company AS domain' },
      'objects.companies.match_on: the property domain has no unique values',
      'create a property with unique values in HubSpot',
    ],
    ...['__proto__', 'constructor'].map((type): [title: string, change: Change, ...says: string[]] => [
      `the object type ${type}`,
      { type },
      `objects.contacts.type: HubSpot has no object type ${type}`,
    ]),
  ];
  it.each(toHubspot)('once refuses %s', (_, change, ...says) => misfits.refused('once', change, ...says));
  it('run refuses it just so', async () => {
    for (const [, change, ...says] of toHubspot.slice(0, 1)) await misfits.refused('run', change, ...says);
  });

  it.each(['once', 'run'])('%s refuses a missing token', async (command) => {
    const { HUBSPOT_ACCESS_TOKEN: _, ...env } = misfits.shop.env;
    const finished = await misfits.run(command, {}, env);
    const told = ['HUBSPOT_ACCESS_TOKEN is not set', 'Try: in HubSpot, Settings → Integrations → Service Keys'];
    expectRefused(finished, ...told);
    await misfits.expectUnchanged();
  });

  it.each(['once', 'run'])('%s refuses a token that HubSpot refuses', async (command) => {
    const finished = await misfits.run(command, {}, { ...misfits.shop.env, HUBSPOT_ACCESS_TOKEN: 'pat-secret' });
    expectRefused(finished, 'HubSpot refuses the access token', 'Try: check HUBSPOT_ACCESS_TOKEN');
    await misfits.expectUnchanged();
  });

  it('once refuses a token without the scopes it needs, and says which', async () => {
    const body = { category: 'MISSING_SCOPES', errors: [{ context: { requiredGranularScopes: ['crm.schemas.x'] } }] };
    await misfits.shop.sandbox.fault({ path: '/crm/v3/properties', respond: { status: 403, body } });
    const finished = await misfits.run('once', {});
    await misfits.shop.sandbox.clearFaults();
    expectRefused(finished, 'crm.schemas.x', 'Try: check HUBSPOT_ACCESS_TOKEN and its scopes');
    await misfits.expectUnchanged();
  });
});
