import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.ts';
import { batch, call, contact, traced } from './api.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox?.close());
afterEach(() => sandbox.options({ refusals: 'records', echoTraceIds: false, conflicts: 409 }));

const emails = async () => (await sandbox.records('contacts')).map(({ properties }) => properties.email);

describe('a batch of the sandbox', () => {
  it('is all or nothing without trace ids', async () => {
    const answer = await batch(sandbox, 'upsert', [contact('all@example.com'), contact('nothing@')]);
    expect(answer).toMatchObject({
      status: 400,
      body: { category: 'VALIDATION_ERROR', message: expect.stringMatching(/^Property values were not valid: \[\{/) },
    });
    expect(await emails()).not.toContain('all@example.com');
  });

  it('is all or nothing when one trace id is missing or stands twice', async () => {
    for (const trace of [undefined, 'same']) {
      const inputs = [contact('one@example.com', {}, 'same'), contact('bad@', {}, trace)];
      expect((await batch(sandbox, 'upsert', inputs)).status).toBe(400);
    }
    expect(await emails()).not.toContain('one@example.com');
  });

  it('is answered record by record with a trace id on every input', async () => {
    const { status, body } = await batch(sandbox, 'upsert', [traced('good@example.com'), traced('bad@')]);
    expect({ status, body }).toMatchObject({
      status: 207,
      body: {
        results: [{ properties: { email: 'good@example.com' }, new: true }],
        numErrors: 1,
        errors: [{ category: 'VALIDATION_ERROR', context: { objectWriteTraceId: ['trace of bad@'] } }],
      },
    });
    expect(await emails()).toContain('good@example.com');
  });

  it('names a property and a value, and never the record, when it is refused whole', async () => {
    const { body } = await batch(sandbox, 'upsert', [contact('named@example.com'), contact('bad@')]);
    const said = JSON.stringify(body);
    expect(said).toContain('Email address bad@ is invalid');
    expect(said).toContain('INVALID_EMAIL');
    expect(body.errors).toMatchObject([{ code: 'INVALID_EMAIL', context: { propertyName: ['email'] } }]);
    expect(said).not.toContain('named@example.com');
  });

  it('is refused whole for ids that stand in it twice, trace ids or not', async () => {
    for (const input of [contact, traced]) {
      const inputs = [
        input('twice@example.com'),
        input('once@example.com'),
        { ...input('Twice@Example.com'), objectWriteTraceId: 'x' },
      ];
      expect(await batch(sandbox, 'upsert', inputs)).toMatchObject({
        status: 400,
        body: {
          message: 'Duplicate IDs found in batch input: [twice@example.com]. IDs must be unique',
          context: { ids: ['twice@example.com'] },
        },
      });
    }
    expect(await emails()).not.toContain('once@example.com');
  });

  it('takes a hundred inputs and no more, whatever it does', async () => {
    const inputs = Array.from({ length: 101 }, (_, at) => traced(`n${at}@example.com`));
    for (const operation of ['upsert', 'update', 'create', 'archive', 'read']) {
      const { status, body } = await batch(
        sandbox,
        operation,
        inputs.map((input) => (operation === 'upsert' ? input : { id: input.id })),
      );
      expect({ status, message: body.message }).toEqual({
        status: 400,
        message: 'The maximum number of inputs supported in a batch is 100',
      });
    }
    expect((await batch(sandbox, 'upsert', inputs.slice(1))).status).toBe(200);
  });

  it('gives results in any order', async () => {
    const inputs = Array.from({ length: 60 }, (_, at) => traced(`order${at}@example.com`));
    const { body } = await batch(sandbox, 'upsert', inputs);
    const order = body.results.map(({ properties }) => properties.email);
    expect(order).not.toEqual(inputs.map(({ id }) => id));
    expect(order.sort()).toEqual(inputs.map(({ id }) => id).sort());
  });

  it('keeps and gives e-mails in lower case, and finds them in any', async () => {
    const first = await batch(sandbox, 'upsert', [traced('Case@Example.COM')]);
    const second = await batch(sandbox, 'upsert', [traced('cASE@example.com', { city: 'Berlin' })]);
    expect(first.body.results).toMatchObject([{ new: true, properties: { email: 'case@example.com' } }]);
    expect(second.body.results).toMatchObject([
      { new: false, id: first.body.results[0]?.id, properties: { email: 'case@example.com', city: 'Berlin' } },
    ]);
  });

  it('echoes trace ids only when it is told to', async () => {
    const [quiet] = (await batch(sandbox, 'upsert', [traced('echo@example.com')])).body.results;
    expect(quiet).not.toHaveProperty('objectWriteTraceId');
    await sandbox.options({ echoTraceIds: true });
    const [loud] = (await batch(sandbox, 'upsert', [traced('echo@example.com')])).body.results;
    expect(loud?.objectWriteTraceId).toBe('trace of echo@example.com');
  });

  it('refuses whole batches, with a value or with nothing, when it is told to', async () => {
    await sandbox.options({ refusals: 'quoted' });
    const quoted = await batch(sandbox, 'upsert', [traced('fine@example.com'), traced('bad@')]);
    expect(quoted).toMatchObject({ status: 400, text: expect.stringContaining('bad@ is invalid') });
    await sandbox.options({ refusals: 'silent' });
    const silent = await batch(sandbox, 'upsert', [traced('fine@example.com'), traced('bad@')]);
    expect(silent.status).toBe(400);
    expect(silent.text).not.toContain('bad@');
    expect(await emails()).not.toContain('fine@example.com');
  });
});

describe('what identifies a record in the sandbox', () => {
  it('must have unique values', async () => {
    const inputs = [{ id: 'example.com', idProperty: 'domain', objectWriteTraceId: '1', properties: { name: 'Ex' } }];
    expect(await batch(sandbox, 'upsert', inputs, 'companies')).toMatchObject({
      status: 400,
      body: { message: 'Unable to perform update/upsert by non-unique 0-2 property domain' },
    });
    const byRecordId = [{ id: '1', idProperty: 'hs_object_id', objectWriteTraceId: '1', properties: {} }];
    expect((await batch(sandbox, 'upsert', byRecordId)).body.message).toContain('non-unique 0-1 property hs_object_id');
  });

  it('may be a custom property made with unique values', async () => {
    const made = await call(sandbox, 'POST', '/crm/v3/properties/companies', {
      name: 'shop_number',
      hasUniqueValue: true,
    });
    expect(made.status).toBe(201);
    const input = { id: 'S-1', idProperty: 'shop_number', objectWriteTraceId: '1', properties: { name: 'Ex' } };
    const first = await batch(sandbox, 'upsert', [input], 'companies');
    const second = await batch(sandbox, 'upsert', [{ ...input, properties: { name: 'Why' } }], 'companies');
    expect(first.body.results).toMatchObject([{ new: true, properties: { shop_number: 'S-1', name: 'Ex' } }]);
    expect(second.body.results).toMatchObject([
      { new: false, id: first.body.results[0]?.id, properties: { name: 'Why' } },
    ]);
  });

  it('is not changed by an upsert, and is by an update with the record id', async () => {
    const [{ id } = { id: '' }] = (await batch(sandbox, 'upsert', [traced('key@example.com')])).body.results;
    await batch(sandbox, 'upsert', [{ ...traced('key@example.com'), properties: { email: 'other@example.com' } }]);
    expect(await emails()).toContain('key@example.com');
    const updated = await batch(sandbox, 'update', [{ id, properties: { email: 'other@example.com' } }]);
    expect(updated.body.results).toMatchObject([{ id, properties: { email: 'other@example.com' } }]);
    expect(await emails()).not.toContain('key@example.com');
  });

  it('is the record id for an update, and no e-mail', async () => {
    const inputs = [{ id: 'good@example.com', idProperty: 'email', properties: { city: 'Bonn' } }];
    expect((await batch(sandbox, 'update', inputs)).body.message).toContain('non-unique 0-1 property email');
  });
});

describe('a record the sandbox cannot write', () => {
  it('of an unknown id is named in a 207, and the others are written', async () => {
    const [{ id } = { id: '' }] = (await batch(sandbox, 'upsert', [traced('known@example.com')])).body.results;
    for (const trace of [undefined, 'a']) {
      const inputs = [
        { id, objectWriteTraceId: trace, properties: { city: 'Rome' } },
        { id: '4040', objectWriteTraceId: trace && 'b', properties: {} },
        { id: '4041', objectWriteTraceId: trace && 'c', properties: {} },
      ];
      expect(await batch(sandbox, 'update', inputs)).toMatchObject({
        status: 207,
        body: {
          results: [{ id, properties: { city: 'Rome' } }],
          numErrors: 1,
          errors: [{ category: 'OBJECT_NOT_FOUND', context: { ids: ['4040', '4041'] } }],
        },
      });
    }
  });

  it('for a unique value of another turns an untraced batch into a conflict', async () => {
    const { body } = await batch(sandbox, 'upsert', [traced('mine@example.com'), traced('yours@example.com')]);
    const mine = body.results.find(({ properties }) => properties.email === 'mine@example.com')?.id;
    const yours = body.results.find(({ properties }) => properties.email === 'yours@example.com')?.id;
    const inputs = [{ id: mine, properties: { email: 'yours@example.com' } }];
    expect(await batch(sandbox, 'update', inputs)).toMatchObject({
      status: 409,
      body: { category: 'CONFLICT', message: 'Contact already exists' },
    });
    await sandbox.options({ conflicts: 400 });
    const said = await batch(sandbox, 'update', inputs);
    expect(said.status).toBe(400);
    expect(said.body.message).toContain(
      `propertyName=email, value=yours@example.com} on ${mine}. ${yours} already has`,
    );
  });

  it.each([
    ['email', 'no at', 'INVALID_EMAIL', 'Email address no at is invalid'],
    [
      'customer_group',
      'gold',
      'INVALID_OPTION',
      'gold was not one of the allowed options: [retail, trade, key_account]',
    ],
    ['interests', 'shoes;hats', 'INVALID_OPTION', 'hats was not one of the allowed options'],
    ['loyalty_points', '1,000', 'INVALID_LONG', '1,000 was not a valid long.'],
    ['newsletter', '1', 'INVALID_OPTION', '1 was not one of the allowed options: [true, false]'],
    ['birthday', '1444444444000', 'INVALID_DATE', '1444444444000 is at 02:34:04.0 UTC, not midnight!'],
    ['birthday', '2026-02-30', 'INVALID_DATE', '2026-02-30 was not a valid date'],
    ['registered_at', 'yesterday', 'INVALID_LONG', 'yesterday was not a valid long.'],
    ['nickname', 'x', 'PROPERTY_DOESNT_EXIST', 'Property "nickname" does not exist'],
    ['createdate', '2026-01-01', 'READ_ONLY_VALUE', '"createdate" is a read only property'],
    ['city', 'x'.repeat(65_537), 'INVALID_LENGTH', 'city is too long'],
    ['city', 5, 'INVALID_STRING', 'city must be a string'],
    ['city', null, 'INVALID_STRING', 'city must be a string'],
  ])('for a bad $0 says $2', async (name, value, error, message) => {
    const { status, body } = await batch(sandbox, 'upsert', [traced('values@example.com', { [name]: value })]);
    expect(status).toBe(207);
    const [{ message: said } = { message: '' }] = body.errors ?? [];
    const [invalid] = JSON.parse(said.slice(said.indexOf('['))) as object[];
    expect(invalid).toMatchObject({ isValid: false, error, name, message: expect.stringContaining(message) });
  });

  it.each([
    ['loyalty_points', '-12.50'],
    ['newsletter', 'true'],
    ['birthday', '2024-02-29'],
    ['birthday', '1709164800000'],
    ['registered_at', '2026-11-28T10:00:00.123Z'],
    ['registered_at', '1764324000123'],
    ['interests', 'shoes;bags'],
    ['city', 'x'.repeat(65_536)],
    ['city', 'Zürich 🏔'],
    ['city', ''],
  ])('takes a good $0 (%#)', async (name, value) => {
    const { status, body } = await batch(sandbox, 'upsert', [traced('values@example.com', { [name]: value })]);
    expect(status).toBe(200);
    expect(body.results[0]?.properties[name]).toBe(value);
  });

  it('adds options after a leading semicolon, and moves the life cycle stage only forward', async () => {
    const write = async (properties: object) =>
      (await batch(sandbox, 'upsert', [traced('stages@example.com', properties)])).body.results[0]?.properties;
    await write({ interests: 'shoes', lifecyclestage: 'customer' });
    expect(await write({ interests: ';bags;shoes', lifecyclestage: 'lead' })).toMatchObject({
      interests: 'shoes;bags',
      lifecyclestage: 'customer',
    });
    await write({ lifecyclestage: '' });
    expect(await write({ lifecyclestage: 'lead' })).toMatchObject({ lifecyclestage: 'lead' });
  });
});

describe('a call the sandbox cannot make sense of', () => {
  it.each([
    ['/crm/v3/objects/contatcs/batch/upsert', {}, 400, 'Unable to infer object type from: contatcs'],
    ['/crm/v3/objects/contacts/batch/upsert', {}, 400, 'inputs is required'],
    ['/crm/v3/objects/contacts/batch/upsert', { inputs: [null] }, 400, 'inputs is required'],
    ['/crm/v3/objects/contacts/batch/upsert', { inputs: [] }, 400, 'No inputs'],
    ['/crm/v3/objects/contacts/batch/merge', { inputs: [{}] }, 404, 'No batch merge'],
    ['/crm/v9/objects', {}, 404, 'No route for POST /crm/v9/objects'],
  ])('%s with %j is answered with %i', async (path, body, status, message) => {
    expect(await call(sandbox, 'POST', path, body)).toMatchObject({
      status,
      body: { status: 'error', message: expect.stringContaining(message), correlationId: expect.any(String) },
    });
  });

  it('is one whose body is not JSON', async () => {
    const headers = { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' };
    const response = await fetch(`${sandbox.url}/crm/v3/objects/contacts/batch/upsert`, {
      method: 'POST',
      headers,
      body: '{',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ message: expect.stringContaining('Invalid input JSON') });
  });
});
