import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/sandbox/faults.ts';
import { type Started, startProgram, until } from '../support/program.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { swiftMapping } from '../system/swiftMapping.ts';

// What stands in the records and must stand in no log: in each column that is sent, something nobody else writes.
const SENTINELS = `
  UPDATE users SET first_name = CONCAT('Fnq', id, 'x'), last_name = CONCAT('Lnq', id, 'x'), company = CONCAT('Cmq', id, 'x');
  UPDATE user_cim_details SET phone = CONCAT('+49 777', user_id, '777'), street = CONCAT('Stq', user_id, 'x'),
    city = CONCAT('Ctq', user_id, 'x'), notes = CONCAT('Ntq', user_id, 'x')`;
const SENTINEL = /\b(?:Fnq|Lnq|Cmq|Stq|Ctq|Ntq)\d+x|777\d+777/;

const ECHO = 'somebody.echoed@example.com';
const refusal = (status: number, body: object): Fault => ({ path: 'batch/', times: 1, respond: { status, body } });

/** Each quotes what HubSpot was given, as HubSpot may. */
const faults: Record<string, (token: string) => Fault> = {
  'a 500 that echoes': () => ({
    path: 'batch/',
    times: 1,
    respond: { status: 500, text: `<p>cannot save ${ECHO}</p>` },
  }),
  'a 502': () => ({ path: 'batch/', times: 1, respond: { status: 502 } }),
  'a 429': () =>
    refusal(429, { status: 'error', message: `slow down, ${ECHO}`, policyName: 'SECONDLY', errorType: 'RATE_LIMIT' }),
  'a timeout': () => ({ path: 'batch/', times: 1, action: 'hang' }),
  'a reset': () => ({ path: 'batch/', times: 1, action: 'reset' }),
  'a body cut short': () => ({ path: 'batch/', times: 1, action: 'truncate' }),
  'an empty answer': () => ({ path: 'batch/', times: 1, action: 'empty-results' }),
  'HTML in a 200': () => ({ path: 'batch/', times: 1, respond: { status: 200, text: `<html>${ECHO}</html>` } }),
  'a 401 that quotes the token': (token) =>
    refusal(401, { status: 'error', message: `The token ${token} is not valid`, category: 'INVALID_AUTHENTICATION' }),
  'a 403': (token) =>
    refusal(403, { status: 'error', message: `${token} lacks scopes, ${ECHO}`, category: 'MISSING_SCOPES' }),
  'a property that is gone, with the value': () =>
    refusal(400, {
      status: 'error',
      category: 'VALIDATION_ERROR',
      message: `Property values were not valid: [{"isValid":false,"message":"Property \\"phone\\" does not exist (${ECHO})","error":"PROPERTY_DOESNT_EXIST","name":"phone"}]`,
    }),
  'a match property without unique values': () =>
    refusal(400, {
      status: 'error',
      category: 'VALIDATION_ERROR',
      message: `Unable to perform update/upsert by non-unique 0-1 property email of ${ECHO}`,
    }),
  'a conflict': () =>
    refusal(409, { status: 'error', category: 'CONFLICT', message: `Contact already exists: ${ECHO}` }),
};

let shop: SyncedShop;
let worker: Started;
/** Everything that was printed, by whom. */
const said: Record<string, string> = {};
let secrets: string[];
let emails: string[];

beforeAll(async () => {
  const mapping = swiftMapping();
  shop = await openSyncedShop({ users: 120, mapping });
  await shop.application.query(SENTINELS);
  emails = (await shop.select<{ email: string | null }>('SELECT email FROM users')).flatMap(({ email }) => email || []);
  const { password, runningUrl } = shop.accounts;
  secrets = [shop.sandbox.token, password, encodeURIComponent(password), runningUrl];
  const env = { ...shop.env, LOG_LEVEL: 'trace' };
  await keep('backfill', startProgram(['--config', mapping, 'backfill'], env));
  worker = startProgram(['--config', mapping, 'run'], env);
  await settled();
  for (const make of Object.values(faults)) await meet(make(shop.sandbox.token));
  await failInTheDatabase();
  await failToFollow();
  said.health = await readHealth();
  worker.child.kill('SIGKILL');
  await keep('run', worker);
  await Promise.all(
    Object.entries({
      'once with a wrong token': { HUBSPOT_ACCESS_TOKEN: `${shop.sandbox.token}-wrong` },
      'once with a wrong password': { DATABASE_URL: runningUrl.replace('%25', '%25x') },
      'once with a broken URL': { DATABASE_URL: runningUrl.replace('mysql://', 'mysql:/') },
    }).map(([who, wrong]) => keep(who, startProgram(['--config', mapping, 'once'], { ...env, ...wrong }))),
  );
}, 1_200_000);
afterAll(async () => {
  worker?.child.kill('SIGKILL');
  await shop?.close();
});

describe('what is logged at the level of trace, through every fault', () => {
  it('is of all the faults: the test would notice', () => {
    expect(said.run).toContain('"paused"');
    expect(said.run).toContain('batch failed');
    expect(Object.values(said).join('').length).toBeGreaterThan(1_000);
    expect(said['once with a wrong token']).toMatch(/^Error: HubSpot refuses the access token/m);
    expect(said['once with a wrong password']).toMatch(/^Error: .*refuses user/);
    expect(said['once with a broken URL']).toContain('DATABASE_URL');
  });

  it('holds neither the token nor the password of the database', () => {
    expect(holding(secrets)).toEqual([]);
  });

  it('holds no e-mail', () => {
    expect(emails.length).toBeGreaterThan(100);
    expect(holding([...emails, ECHO, '@example.'])).toEqual([]);
  });

  it('holds no value of a property', () => {
    const lines = Object.entries(said).flatMap(([who, text]) => text.split('\n').map((line) => `${who}: ${line}`));
    expect(lines.filter((line) => SENTINEL.test(line))).toEqual([]);
  });

  it('is one JSON object a line, with a message that is constant', () => {
    const lines = (said.run ?? '').split('\n').filter((line) => line !== '');
    const messages = new Set(lines.map((line) => (JSON.parse(line) as { msg: string }).msg));
    expect(lines.length).toBeGreaterThan(10);
    for (const message of messages) expect(message).toMatch(/^[A-Za-z ]+$/);
  });
});

/** Who printed one of these, and in which line. */
function holding(texts: readonly string[]): string[] {
  const wanted = texts.map((text) => text.toLowerCase());
  return Object.entries(said).flatMap(([who, text]) =>
    text
      .split('\n')
      .filter((line) => wanted.some((each) => line.toLowerCase().includes(each)))
      .map((line) => `${who}: ${line}`),
  );
}

async function keep(who: string, started: Started): Promise<void> {
  const { out, err } = await started.finished;
  said[who] = `${out}${err}`;
}

async function settled(): Promise<void> {
  await until(async () => {
    const [row] = await shop.select<{ waiting: string }>('SELECT SUM(marks + pending) AS waiting FROM hubspot_backlog');
    return Number(row?.waiting) === 0;
  });
}

let round = 0;

/** Lets a call meet the fault, and waits until all that it delayed is through. */
async function meet(fault: Fault): Promise<void> {
  await shop.sandbox.clearCalls();
  await shop.sandbox.fault(fault);
  round += 1;
  await shop.application.query(`UPDATE users SET last_name = CONCAT('Lnq', id, '${round}x') WHERE id <= 20`);
  // A call that hangs or is cut is listed as well.
  await until(async () => (await shop.sandbox.calls()).some((call) => call.fault));
  await settled();
}

/** A driver's error quotes the value: `Duplicate entry 'somebody@example.com' for key …`. */
async function failInTheDatabase(): Promise<void> {
  const { application } = shop;
  await application.query('ALTER TABLE hubspot_data ADD UNIQUE KEY trap (match_value(100))');
  await application.query(
    `INSERT INTO hubspot_data (object, source_id, status, due_at, match_value, created_at, updated_at)
     VALUES ('trap', '1', 'synced', UTC_TIMESTAMP(6), '${ECHO}', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`,
  );
  await application.query(`UPDATE users SET email = '${ECHO}' WHERE id = 1`);
  await until(() => worker.out().includes('batch failed'));
  await application.query("DELETE FROM hubspot_data WHERE object = 'trap'");
  await application.query('ALTER TABLE hubspot_data DROP KEY trap');
  await settled();
}

/** A watch by hand whose SQL compares an e-mail with a date; MySQL 8 and later refuse that, and quote the e-mail. */
async function failToFollow(): Promise<void> {
  const select =
    'SELECT DISTINCT r.`id` AS id FROM `users` r WHERE r.`id` IN (SELECT u.id FROM users u WHERE u.birthday IN (:keys))';
  const definition = {
    note: { column: 'email', kind: 'text' },
    records: { select, key: 'r.`id`' },
    keyKind: 'integer',
  };
  const { application } = shop;
  await application.query(
    `INSERT INTO hubspot_watch (id, object, table_name, fingerprint, definition, created_at)
     VALUES (999, 'contacts', 'letters', 'made by hand', ?, UTC_TIMESTAMP(6))`,
    [JSON.stringify(definition)],
  );
  await application.query(
    `INSERT INTO hubspot_mark (watch, source_key, session, noted_at) VALUES (999, '${ECHO}', 1, UTC_TIMESTAMP(6))`,
  );
  await until(async () => {
    const isFolded = (await shop.select('SELECT id FROM hubspot_mark')).length === 0;
    return isFolded || /cannot be followed/.test(worker.out().replaceAll(/.*nothing is stored about.*/g, ''));
  });
  await application.query('DELETE FROM hubspot_mark');
}

async function readHealth(): Promise<string> {
  const { url } = JSON.parse(
    worker
      .out()
      .split('\n')
      .find((line) => line.includes('"listening"')) ?? '{}',
  ) as { url: string };
  const texts = await Promise.all(['/health', '/metrics'].map(async (path) => (await fetch(url + path)).text()));
  return texts.join('\n');
}
