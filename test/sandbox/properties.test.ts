import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';
import { batch, call, traced } from './api.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox?.close());

const path = '/crm/v3/properties/contacts';

async function names(query = ''): Promise<string[]> {
  const { body } = await call<{ results: { name: string }[] }>(sandbox, 'GET', path + query);
  return body.results.map(({ name }) => name);
}

/** What the sandbox says against a value of a contact; undefined when it takes it. */
async function refused(properties: object): Promise<string | undefined> {
  const { body } = await batch(sandbox, 'upsert', [traced('p@example.com', properties)]);
  return body.errors?.[0]?.message;
}

describe('the properties of the sandbox', () => {
  it('are listed with what a sync must know', async () => {
    const { body } = await call<{ results: object[] }>(sandbox, 'GET', path);
    expect(body.results).toContainEqual(
      expect.objectContaining({
        name: 'customer_group',
        type: 'enumeration',
        fieldType: 'select',
        hasUniqueValue: false,
        archived: false,
        options: expect.arrayContaining([expect.objectContaining({ value: 'trade', label: 'Trade', hidden: false })]),
      }),
    );
    expect(body.results).toContainEqual(
      expect.objectContaining({
        name: 'createdate',
        modificationMetadata: expect.objectContaining({ readOnlyValue: true }),
      }),
    );
  });

  it('are made, read, changed, and archived', async () => {
    expect(await refused({ nickname: 'x' })).toContain('PROPERTY_DOESNT_EXIST');
    expect((await call(sandbox, 'POST', path, { name: 'nickname', label: 'Nickname' })).status).toBe(201);
    expect(await refused({ nickname: 'x' })).toBeUndefined();
    expect(await call(sandbox, 'POST', path, { name: 'nickname' })).toMatchObject({
      status: 409,
      body: { category: 'OBJECT_ALREADY_EXISTS' },
    });
    const options = [{ value: 'bob', label: 'Bob' }];
    await call(sandbox, 'PATCH', `${path}/nickname`, { type: 'enumeration', fieldType: 'select', options });
    expect(await call(sandbox, 'GET', `${path}/nickname`)).toMatchObject({
      status: 200,
      body: { name: 'nickname', label: 'Nickname', type: 'enumeration', options },
    });
    expect(await refused({ nickname: 'x' })).toContain('INVALID_OPTION');
    expect((await call(sandbox, 'DELETE', `${path}/nickname`)).status).toBe(204);
    expect(await refused({ nickname: 'bob' })).toContain('PROPERTY_DOESNT_EXIST');
    expect(await names()).not.toContain('nickname');
    expect(await names('?archived=true')).toContain('nickname');
    expect((await call(sandbox, 'GET', `${path}/nickname`)).status).toBe(404);
  });

  it('are made and archived many at once', async () => {
    const inputs = [{ name: 'many_a' }, { name: 'many_b' }];
    expect((await call(sandbox, 'POST', `${path}/batch/create`, { inputs })).status).toBe(201);
    expect(await names()).toEqual(expect.arrayContaining(['many_a', 'many_b']));
    expect((await call(sandbox, 'POST', `${path}/batch/archive`, { inputs })).status).toBe(204);
    expect(await names()).not.toContain('many_a');
  });

  it('are refused with a name or a type that HubSpot does not take, and nothing is made of a batch of them', async () => {
    for (const wrong of [{}, { name: 'Nick' }, { name: '1st' }, { name: 'ok_name', type: 'text' }, null])
      expect(
        (await call(sandbox, 'POST', `${path}/batch/create`, { inputs: [{ name: 'beside' }, wrong] })).status,
      ).toBe(400);
    expect(await names()).not.toContain('beside');
  });

  it('have unique values only from the beginning, and ten of them at most', async () => {
    await call(sandbox, 'POST', path, { name: 'later' });
    await call(sandbox, 'PATCH', `${path}/later`, { hasUniqueValue: true });
    const byLater = { id: '1', idProperty: 'later', objectWriteTraceId: '1', properties: {} };
    expect((await batch(sandbox, 'upsert', [byLater])).body.message).toContain('non-unique');
    const inputs = Array.from({ length: 11 }, (_, at) => ({ name: `unique_${at}`, hasUniqueValue: true }));
    const made = await Promise.all(inputs.map((input) => call(sandbox, 'POST', '/crm/v3/properties/tickets', input)));
    expect(made.map(({ status }) => status).sort()).toEqual([...Array(10).fill(201), 400]);
  });

  it('can be made read-only, removed, and added by the control while it runs', async () => {
    expect(await refused({ city: 'Rome' })).toBeUndefined();
    await sandbox.ask('PATCH', '/__sandbox/properties/contacts/city', { isReadOnly: true });
    expect(await refused({ city: 'Rome' })).toContain('READ_ONLY_VALUE');
    await sandbox.ask('PATCH', '/__sandbox/properties/contacts/city', { isReadOnly: false });
    expect(await refused({ city: 'Rome' })).toBeUndefined();
    await sandbox.ask('DELETE', '/__sandbox/properties/contacts/city');
    expect(await refused({ city: 'Rome' })).toContain('PROPERTY_DOESNT_EXIST');
    await sandbox.ask('PATCH', '/__sandbox/properties/contacts/city', { archived: false });
    expect(await refused({ city: 'Rome' })).toBeUndefined();
    await sandbox.ask('PATCH', '/__sandbox/properties/contacts/shoe_size', { type: 'number' });
    expect(await refused({ shoe_size: 'big' })).toContain('INVALID_LONG');
  });
});
