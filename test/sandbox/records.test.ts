import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';
import { type Body, batch, call, traced } from './api.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox?.close());

async function write(email: string, properties: object = {}): Promise<string> {
  const { body } = await batch(sandbox, 'upsert', [traced(email, properties)]);
  return body.results[0]?.id ?? '';
}

describe('reading from the sandbox', () => {
  it('gives the properties asked for, by record id or by another property, and names what it has not', async () => {
    const id = await write('read@example.com', { firstname: 'Ada', city: 'London' });
    const byId = await batch(sandbox, 'read', [{ id }], 'contacts', { properties: ['firstname'] });
    expect(byId.status).toBe(200);
    expect(byId.body.results).toMatchObject([{ id, properties: { firstname: 'Ada', hs_object_id: id } }]);
    expect(byId.body.results[0]?.properties).not.toHaveProperty('city');
    const byEmail = await batch(
      sandbox,
      'read',
      [{ id: 'READ@example.com' }, { id: 'nobody@example.com' }],
      'contacts',
      {
        idProperty: 'email',
        properties: ['city', 'nickname'],
      },
    );
    expect(byEmail).toMatchObject({
      status: 207,
      body: {
        results: [{ id, properties: { city: 'London' } }],
        errors: [{ category: 'OBJECT_NOT_FOUND', context: { ids: ['nobody@example.com'] } }],
      },
    });
    const byCity = await batch(sandbox, 'read', [{ id: 'London' }], 'contacts', { idProperty: 'city' });
    expect(byCity.body.message).toContain('non-unique 0-1 property city');
  });

  it('gives one record by its id', async () => {
    const id = await write('one@example.com', { city: 'Paris' });
    expect(await call(sandbox, 'GET', `/crm/v3/objects/contacts/${id}?properties=city`)).toMatchObject({
      status: 200,
      body: { id, properties: { city: 'Paris' } },
    });
    expect((await call(sandbox, 'GET', '/crm/v3/objects/contacts/404')).status).toBe(404);
  });

  it('gives a list page by page', async () => {
    const inputs = Array.from({ length: 25 }, (_, at) => ({ properties: { dealname: `deal ${at}` } }));
    await batch(sandbox, 'create', inputs, 'deals');
    const names: (string | undefined)[] = [];
    let path: string | undefined = '/crm/v3/objects/deals?limit=10&properties=dealname';
    for (let pages = 1; path !== undefined; pages += 1) {
      const { body }: { body: Body & { paging?: { next: { after: string; link: string } } } } = await call(
        sandbox,
        'GET',
        path,
      );
      names.push(...body.results.map(({ properties }) => properties.dealname));
      path =
        body.paging === undefined
          ? undefined
          : `/crm/v3/objects/deals?limit=10&properties=dealname&after=${body.paging.next.after}`;
      expect(path === undefined).toBe(pages === 3);
    }
    expect(names).toEqual(inputs.map(({ properties }) => properties.dealname));
    for (const limit of [0, 101, 'ten'])
      expect((await call(sandbox, 'GET', `/crm/v3/objects/deals?limit=${limit}`)).status).toBe(400);
  });
});

describe('archiving in the sandbox', () => {
  it('makes room: the same e-mail becomes another record', async () => {
    const before = await write('gone@example.com');
    expect((await batch(sandbox, 'archive', [{ id: before }, { id: '404' }])).status).toBe(204);
    expect((await batch(sandbox, 'update', [{ id: before, properties: { city: 'Bonn' } }])).body.errors).toMatchObject([
      { category: 'OBJECT_NOT_FOUND', context: { ids: [before] } },
    ]);
    const { body } = await batch(sandbox, 'upsert', [traced('gone@example.com')]);
    expect(body.results).toMatchObject([{ new: true }]);
    expect(body.results[0]?.id).not.toBe(before);
  });

  it('forgets a person when the law says so', async () => {
    await write('forget@example.com');
    const purged = await call(sandbox, 'POST', '/crm/v3/objects/contacts/gdpr-delete', {
      objectId: 'forget@example.com',
      idProperty: 'email',
    });
    expect(purged.status).toBe(204);
    expect(
      (await batch(sandbox, 'read', [{ id: 'forget@example.com' }], 'contacts', { idProperty: 'email' })).status,
    ).toBe(207);
  });
});

describe('a contact with several e-mails in the sandbox', () => {
  it('is one record by each of them, and keeps its first', async () => {
    const id = await write('first@example.com', { hs_additional_emails: 'Second@example.com;third@example.com' });
    const { body } = await batch(sandbox, 'upsert', [traced('second@example.com', { city: 'Oslo' })]);
    expect(body.results).toMatchObject([{ id, new: false, properties: { email: 'first@example.com', city: 'Oslo' } }]);
    const read = await batch(sandbox, 'read', [{ id: 'third@example.com' }], 'contacts', {
      idProperty: 'email',
      properties: ['email'],
    });
    expect(read.body.results).toMatchObject([{ id, properties: { email: 'first@example.com' } }]);
  });

  it('lets no other contact have one of them, until it gives it up', async () => {
    const id = await write('several@example.com', { hs_additional_emails: 'held@example.com' });
    const other = await write('other@example.com');
    const wanted = [{ id: other, properties: { email: 'held@example.com' } }];
    expect((await batch(sandbox, 'update', wanted)).status).toBe(409);
    await batch(sandbox, 'update', [{ id, properties: { hs_additional_emails: '' } }]);
    expect((await batch(sandbox, 'update', wanted)).status).toBe(200);
  });

  it('may make another of them the first', async () => {
    const id = await write('old@example.com', { hs_additional_emails: 'new@example.com;more@example.com' });
    const { body } = await batch(sandbox, 'update', [{ id, properties: { email: 'new@example.com' } }]);
    expect(body.results[0]?.properties).toMatchObject({
      email: 'new@example.com',
      hs_additional_emails: 'more@example.com',
    });
    expect(await write('more@example.com')).toBe(id);
    expect(await write('old@example.com')).not.toBe(id);
  });
});
