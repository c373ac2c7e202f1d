import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isHarmless, openTrip, type Trip } from './trip.ts';

const ESCAPES =
  '\x1b[31mred\x1b]0;title\x07\u009b2J\r\nError: forged\nTry: rm -rf /\0\u202egnp\u2028{"level":"fatal","msg":"forged"}';
const LONG = '😀'.repeat(25_000);

const MAPPING = `
objects:
  contacts:
    match_on: email
    key: users.id
    query: SELECT u.id AS source_id, u.email, u.name AS firstname FROM users u WHERE u.id IN (:ids)
settings:
  look_again_ms: 100
`;

let trip: Trip;
beforeAll(async () => {
  trip = await openTrip();
  await trip.application.query(
    'CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(100), name VARCHAR(100)) ENGINE=InnoDB',
  );
  await trip.apply(MAPPING);
});
beforeEach(async () => {
  await trip.sandbox.clearFaults();
  await trip.application.query(
    'DELETE FROM users; DELETE FROM hubspot_data; DELETE FROM hubspot_match; DELETE FROM hubspot_mark',
  );
});
afterAll(() => trip?.close());

describe('what HubSpot says of a record', () => {
  const reason = (message: string, code: string, name: string) => ({
    status: 'error',
    category: code,
    correlationId: `${ESCAPES}${LONG}`,
    message: `Property values were not valid: ${JSON.stringify([{ isValid: false, message, error: code, name }])}`,
  });

  it.each([
    ['drives a terminal', reason(ESCAPES, `CODE${ESCAPES}`, `name${ESCAPES}`)],
    ['is very long', reason(LONG, LONG, LONG)],
    ['looks like SQL', reason("'); DROP TABLE hubspot_data; -- ?", "'OR''='", '`x`?:ids')],
    ['is no text', { status: 'error', message: { a: [1] }, category: 7, errors: 'none', correlationId: ['x'] }],
    ['names what every object has', reason('__proto__', 'constructor', '__proto__')],
  ])('is stored cut and shown as harmless lines when it %s', async (_, body) => {
    await trip.sandbox.fault({ path: 'batch/upsert', respond: { status: 400, body } });
    await trip.application.query("INSERT INTO users VALUES (1, 'one@example.com', 'One')");
    expect(await trip.drain()).toMatchObject({ claimed: 1, poison: 1 });
    const [[row]] = await trip.db.raw('SELECT * FROM hubspot_poison');
    expect(row).toMatchObject({ object: 'contacts', source_id: '1' });
    expect(row.error_code.length).toBeLessThanOrEqual(64);
    expect(row.error_message.length).toBeLessThanOrEqual(8_000);
    expect(row.error_message.isWellFormed()).toBe(true);
    await expectHarmless(['poison', 'list'], ['poison', 'list', '--all'], ['poison', 'show', '1'], ['status']);
  });

  it('is JSON where JSON is asked for', async () => {
    const body = reason(ESCAPES, 'CODE', 'name');
    await trip.sandbox.fault({ path: 'batch/upsert', respond: { status: 400, body } });
    await trip.application.query("INSERT INTO users VALUES (1, 'one@example.com', 'One')");
    await trip.drain();
    const [list, show] = await expectHarmless(['poison', 'list', '--all', '--json'], ['poison', 'show', '1', '--json']);
    expect(JSON.parse(list ?? '')).toHaveLength(1);
    expect((JSON.parse(show ?? '') as { error_message: string }).error_message).toContain('\x1b[31mred');
  });

  it('is kept when it is an id that looks like SQL', async () => {
    const id = "1'; DROP TABLE users; --";
    const properties = { email: 'one@example.com', firstname: 'One' };
    const at = '2026-11-28T00:00:00.000Z';
    const body = {
      status: 'COMPLETE',
      results: [{ id, properties, createdAt: at, updatedAt: at, archived: false, new: true }],
    };
    await trip.sandbox.fault({ path: 'batch/upsert', times: 1, respond: { status: 200, body } });
    await trip.application.query("INSERT INTO users VALUES (1, 'one@example.com', 'One')");
    await trip.drain();
    const [[row]] = await trip.db.raw('SELECT status, hubspot_id FROM hubspot_data');
    expect(row).toEqual({ status: 'synced', hubspot_id: id });
    expect((await trip.application.query('SELECT id FROM users'))[0]).toEqual([{ id: 1 }]);
  });
});

describe('what HubSpot says of the mapping, the token or itself', () => {
  const gone = `Property values were not valid: ${JSON.stringify([{ isValid: false, message: ESCAPES, error: 'PROPERTY_DOESNT_EXIST', name: `x${ESCAPES}${LONG}` }])}`;

  it.each([
    [
      'a 403',
      403,
      {
        status: 'error',
        category: 'MISSING_SCOPES',
        message: ESCAPES,
        errors: [{ context: { requiredGranularScopes: [ESCAPES, LONG] } }],
      },
    ],
    ['a property that is gone', 400, { status: 'error', category: 'VALIDATION_ERROR', message: gone }],
    ['a 429', 429, { status: 'error', policyName: `DAILY${ESCAPES}`, errorType: 'RATE_LIMIT', message: LONG }],
    ['a 500', 500, { status: ESCAPES, message: LONG }],
  ])('is told as harmless lines: %s', async (_, status, body) => {
    await trip.sandbox.fault({ path: 'batch/upsert', times: 1, respond: { status, body } });
    await trip.application.query("INSERT INTO users VALUES (1, 'one@example.com', 'One')");
    const { out, err } = await trip.run('once');
    for (const line of err.split('\n').filter((each) => each.startsWith('{')))
      expect(JSON.parse(line)).toHaveProperty('msg');
    const told = err.split('\n').filter((each) => !each.startsWith('{'));
    expect(isHarmless(out + told.join('\n')), out + err).toBe(true);
    expect(told.filter((line) => /^(Error|Try): .*(forged|rm -rf)/.test(line) && !line.includes('\\n'))).toEqual([]);
    await expectHarmless(['status']);
  });

  it('is told as a harmless error when it is about properties', async () => {
    const results = [{ name: `emai${ESCAPES}`, label: LONG, type: 'string', fieldType: 'text' }];
    await trip.sandbox.fault({ path: 'crm/v3/properties', respond: { status: 200, body: { results } } });
    const { code, err } = await trip.run('once');
    const told = err.split('\n').filter((line) => !line.startsWith('{'));
    expect(code).toBe(2);
    expect(told[0]).toMatch(/^Error: .*does not fit HubSpot/);
    expect(isHarmless(told.join('\n')), err).toBe(true);
  });
});

describe('names that every JavaScript object has', () => {
  const objectOf = (lines: string) => `
objects:
  ${lines}
    match_on: email
    key: users.id
    query: SELECT u.id AS source_id, u.email, u.name AS firstname FROM users u WHERE u.id IN (:ids)
`;

  it.each(['constructor', 'toString', 'hasOwnProperty'])('serve as the name of an object: %s', async (name) => {
    await trip.apply(objectOf(`${name}:\n    type: contacts`));
    await trip.application.query(`INSERT INTO users VALUES (1, '${name.toLowerCase()}@example.com', 'One')`);
    expect(await trip.drain()).toMatchObject({ claimed: 1, synced: 1 });
    const status = await trip.run('status', '--json');
    expect(JSON.parse(status.out)).toMatchObject({
      objects: expect.arrayContaining([expect.objectContaining({ object: name })]),
    });
  });

  it.each([
    ['a watch', objectOf('contacts:\n    watch: { __proto__: { key: id, columns: [id], records: "SELECT :keys" } }')],
    [
      'a table',
      objectOf('contacts:').replace('users.id', 'constructor.id').replace('FROM users', 'FROM `constructor`'),
    ],
    ['a property', objectOf('contacts:').replace('AS firstname', 'AS `__proto__`')],
    ['another property', objectOf('contacts:').replace('AS firstname', 'AS `constructor`')],
  ])('are refused with one clear error as %s', async (_, yaml) => {
    await trip.apply(yaml).catch(() => {});
    const { code, err } = await trip.run('once');
    const told = err.split('\n').filter((line) => !line.startsWith('{'));
    expect(code, err).toBe(2);
    expect(told[0]).toMatch(/^Error: /);
    expect(err).not.toMatch(/TypeError|is not a function|\n\s+at /);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

async function expectHarmless(...commands: string[][]): Promise<string[]> {
  const finished = await Promise.all(commands.map((command) => trip.run(...command)));
  for (const [index, { code, out, err }] of finished.entries()) {
    expect({ command: commands[index], code, err }).toMatchObject({ code: 0, err: '' });
    expect(isHarmless(out), out).toBe(true);
  }
  return finished.map(({ out }) => out);
}
