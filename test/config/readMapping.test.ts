import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readMapping } from '../../src/config/readMapping.ts';
import { ConfigurationError, type Problem } from '../../src/errors.ts';
import { shopMapping } from '../support/shop.ts';

const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-test-'));
const file = join(folder, 'mapping.yaml');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(yaml: string | Buffer) {
  writeFileSync(file, yaml);
  return readMapping(file);
}

/** What is wrong with a file, each problem as `line:column path: message`. */
function problemsOf(yaml: string | Buffer): string[] {
  try {
    read(yaml);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map(({ where, message }: Problem) => `${where.slice(file.length + 1)}: ${message}`);
  }
  return [];
}

const CONTACTS = `objects:
  contacts:
    match_on: email
    key: users.id
    query: SELECT id AS source_id, email FROM users WHERE id IN (:ids) AND name <> '#1';
`;

describe('a mapping', () => {
  it('has defaults for all that is left out', () => {
    const { objects, settings } = read(CONTACTS);
    expect(objects).toEqual([
      {
        name: 'contacts',
        type: 'contacts',
        matchOn: 'email',
        key: { table: 'users', column: 'id' },
        query: "SELECT id AS source_id, email FROM users WHERE id IN (:ids) AND name <> '#1'",
        whenGone: 'keep',
        timeZone: 'UTC',
        watch: [],
      },
    ]);
    expect(settings).toMatchObject({ schedule: '* * * * * *', callsPer10s: 100, callsPerDay: null, concurrency: 8 });
  });

  it('takes everything that the contract names', () => {
    const { objects, settings } = read(`objects:
  people:
    type: 2-1234567
    match_on: shop_id
    key: users.id
    when_gone: archive
    time_zone: Europe/Berlin
    watch:
      user_tags: { key: user_id, columns: [tag, weight], records: "SELECT id FROM users WHERE id IN (:keys); -- so" }
    query: SELECT id AS source_id, shop_id FROM users WHERE id IN (:ids)
settings: { schedule: "*/5 * * * *", calls_per_10s: 190, calls_per_day: 200000, concurrency: 2, batch_size: 50 }
`);
    expect(objects[0]).toMatchObject({ type: '2-1234567', whenGone: 'archive', timeZone: 'Europe/Berlin' });
    expect(objects[0]?.watch).toEqual([
      {
        table: 'user_tags',
        key: 'user_id',
        columns: ['tag', 'weight'],
        records: 'SELECT id FROM users WHERE id IN (:keys)',
      },
    ]);
    expect(settings).toMatchObject({ schedule: '*/5 * * * *', callsPer10s: 190, callsPerDay: 200_000, concurrency: 2 });
  });

  it('is frozen to its depths', () => {
    const unfrozen: string[] = [];
    const visit = (value: unknown, path: string) => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) unfrozen.push(path);
      for (const [name, part] of Object.entries(value)) visit(part, `${path}.${name}`);
    };
    visit(readMapping(shopMapping), 'mapping');
    expect(unfrozen).toEqual([]);
    expect(() => Object.assign(readMapping(shopMapping).settings, { concurrency: 32 })).toThrow(TypeError);
  });

  it('may use anchors and merges', () => {
    const { objects } = read(
      `${CONTACTS.replace('contacts:', 'contacts: &base')}  companies: { <<: *base, match_on: vat }\n`,
    );
    expect(objects.map(({ name, matchOn }) => [name, matchOn])).toEqual([
      ['contacts', 'email'],
      ['companies', 'vat'],
    ]);
  });
});

describe('what is wrong with a mapping', () => {
  it('is told all at once, each with its line, its path, what was expected and what stood there', () => {
    const problems = problemsOf(`objects:
  contacts:
    match_on: E-Mail
    key: users
    query: SELECT email FROM users WHERE id IN (:id)
    when_gone: remove
    time_zone: Europe/Berln
    watches: {}
    watch:
      tags: { key: user_id, colums: [tag], records: "SELECT id FROM users" }
  orders: 7
settings:
  concurrency: many
  conurrency: 3
setings: {}
`);
    expect(problems).toEqual([
      '15:1 setings: is no key here; did you mean settings?',
      '8:5 objects.contacts.watches: is no key here; did you mean watch?',
      '3:5 objects.contacts.match_on: expected the HubSpot property with unique values that identifies a record, like email, got "E-Mail"',
      '4:5 objects.contacts.key: expected table.column, like users.id, got "users"',
      '5:5 objects.contacts.query: :id is no placeholder here; the only one is :ids',
      '5:5 objects.contacts.query: expected :ids once, as in WHERE id IN (:ids); it is nowhere outside strings and comments',
      '6:5 objects.contacts.when_gone: expected keep or archive, got "remove"',
      '7:5 objects.contacts.time_zone: expected an IANA time zone, like Europe/Berlin, got "Europe/Berln"; did you mean Europe/Berlin?',
      '10:29 objects.contacts.watch.tags.colums: is no key here; did you mean columns?',
      '10:44 objects.contacts.watch.tags.records: expected :keys once, as in WHERE id IN (:keys); it is nowhere outside strings and comments',
      '10:7 objects.contacts.watch.tags.columns: expected a list of columns, like [tag], found nothing',
      '11:3 objects.orders: expected a map with type, match_on, key, query, when_gone, time_zone, watch, got 7',
      '14:3 settings.conurrency: is no key here; did you mean concurrency?',
      '13:3 settings.concurrency: expected a whole number of batches at a time, 1 to 32, got "many"',
    ]);
  });

  const cases: [title: string, yaml: string, ...problems: string[]][] = [
    ['no objects', 'objects: {}\n', '1:1 objects: expected at least one object, like contacts:'],
    ['objects left empty', 'objects:\n', '1:1 objects: expected a map, found nothing after the colon'],
    ['no objects at all', 'settings: {}\n', '1:1 objects: expected a map, found nothing'],
    [
      'a name that is none',
      CONTACTS.replace('contacts:', '1st-customers:'),
      '2:3 objects.1st-customers: expected a name of 1 to 32 letters, digits, _ and -, starting with a letter',
    ],
    [
      'a query without the key',
      CONTACTS.replace('id AS source_id', 'id'),
      '5:5 objects.contacts.query: expected a column source_id, the key, as in SELECT u.id AS source_id, …',
    ],
    [
      'one HubSpot type under two of its names',
      `${CONTACTS}  people: { type: 0-1, match_on: email, key: users.id, query: "SELECT id AS source_id FROM users WHERE id IN (:ids)" }\n`,
      '6:3 objects.people: feeds 0-1 by email, and so does objects.contacts: one SELECT decides what a HubSpot record holds; join them into one',
    ],
    [
      'a claim shorter than a call',
      `${CONTACTS}settings:\n  lease_ms: 5000\n`,
      '7:3 settings.lease_ms: expected more than request_timeout_ms (30000), got 5000: a claim would end while HubSpot is still answering, and its records be sent twice',
    ],
    [
      'an address for alerts that is none, without repeating it',
      `${CONTACTS}alerts: { webhook_url: "hooks.example.com/s3cr3t" }\n`,
      '6:11 alerts.webhook_url: expected a URL like https://hooks.example.com/…',
    ],
    ['a long wrong value', `objects: ${'x'.repeat(100)}\n`, `1:1 objects: expected a map, got "${'x'.repeat(76)}...`],
  ];
  it.each(cases)('is told of %s', (_, yaml, ...problems) => expect(problemsOf(yaml)).toEqual(problems));

  it('has no place for the names that every JavaScript object has, and sets nothing by them', () => {
    const settings = 'settings:\n  __proto__: { polluted: yes }\n  constructor: 1\n';
    expect(problemsOf(`${CONTACTS}${settings}`)).toEqual([
      expect.stringMatching(/^7:3 settings\.__proto__: is no key here/),
      expect.stringMatching(/^8:3 settings\.constructor: is no key here/),
    ]);
    expect(problemsOf(`${CONTACTS}__proto__: { polluted: yes }\n`)).toEqual([
      expect.stringMatching(/^6:1 __proto__: is no key here/),
    ]);
    expect(problemsOf(CONTACTS.replace('contacts:', '__proto__:'))).toEqual([
      expect.stringMatching(/^2:3 objects\.__proto__: /),
    ]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('lets two objects feed one type by different properties', () => {
    const other = CONTACTS.replace('objects:\n', '')
      .replace('contacts:', 'people:\n    type: contacts')
      .replace('email', 'vat');
    expect(problemsOf(CONTACTS + other)).toEqual([]);
  });

  it('is told with the line when it is no YAML, is no UTF-8, has two documents or explodes', () => {
    expect(problemsOf(`${CONTACTS}  "\n`)[0]).toMatch(/^\d+:\d+: /);
    expect(() => read(Buffer.from([0x6f, 0xff, 0xfe]))).toThrow('it is not UTF-8 text');
    expect(problemsOf(`${CONTACTS}---\n${CONTACTS}`)).toEqual([
      '6:1: a second document begins here, after ---; expected one',
    ]);
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefg'.split('').map((name, n) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[n]}`).join(', ')}]`),
    ];
    expect(problemsOf(`${bomb.join('\n')}\n`)).toHaveLength(1);
    expect(problemsOf('objects: *nowhere\n')).toHaveLength(1);
  });
});
