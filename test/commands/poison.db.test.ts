import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programFile } from '../support/program.ts';
import { shopMapping } from '../support/shop.ts';
import { openSyncedShop, type SyncedShop } from '../support/synced.ts';
import { expectRefused } from './refused.ts';

type Group = { object: string; code: string; property: string | null; rows: number; sample: string; since: string };

let shop: SyncedShop;
beforeAll(async () => {
  shop = await openSyncedShop({ users: 260 });
});
beforeAll(async () => {
  await shop.must('backfill');
  await shop.must('once');
});
afterAll(() => shop?.close());

/** `17 poison INVALID_EMAIL`, … of the contacts that are named. */
async function statusOf(...ids: number[]): Promise<string[]> {
  const rows = await shop.select<Record<string, string | null>>(
    `SELECT source_id, status, error_code FROM hubspot_data WHERE object = 'contacts' AND source_id IN (${ids.join(', ')}) ORDER BY source_id + 0`,
  );
  return rows.map(({ source_id, status, error_code }) => [source_id, status, error_code ?? '-'].join(' '));
}

async function snapshot() {
  return shop.select('SELECT * FROM hubspot_data ORDER BY object, source_id + 0');
}

describe('poison list', () => {
  it('counts rows by object, code and property, each with a sample', async () => {
    const groups = JSON.parse(await shop.must('poison', 'list', '--json')) as Group[];
    const told = groups.map(({ object, code, property, rows, sample }) =>
      [object, code, property, rows, sample].join(),
    );
    expect(told.sort()).toEqual([
      'contacts,DUPLICATE_MATCH,email,1,143',
      'contacts,INVALID_EMAIL,email,1,17',
      'contacts,INVALID_VALUE,customer_group,1,256',
      'contacts,INVALID_VALUE,loyalty_points,1,99',
      'contacts,MISSING_MATCH,email,1,42',
    ]);
    const [headings, ...lines] = (await shop.must('poison', 'list')).trimEnd().split('\n');
    expect(headings).toMatch(/^OBJECT +CODE +PROPERTY +ROWS +SAMPLE ID +SINCE \(UTC\)$/);
    expect(lines).toHaveLength(5);
    expect(lines.join('\n')).toMatch(/^contacts +INVALID_EMAIL +email +1 +17 +\d{4}-/m);
  });

  it('shows row by row with --all', async () => {
    const [headings, ...lines] = (await shop.must('poison', 'list', '--all')).trimEnd().split('\n');
    expect(headings).toMatch(/^OBJECT +ID +CODE +PROPERTY +VALUE +MESSAGE$/);
    expect(lines).toHaveLength(5);
    expect(lines.join('\n')).toMatch(/^contacts +17 +INVALID_EMAIL +email +jane\.doe@ +\S/m);
    const rows = JSON.parse(await shop.must('poison', 'list', '--all', '--json')) as { source_id: string }[];
    expect(rows.map(({ source_id }) => source_id).sort((a, b) => Number(a) - Number(b))).toEqual([
      '17',
      '42',
      '99',
      '143',
      '256',
    ]);
  });

  it('shows one object alone, and says so when there is none of that name', async () => {
    expect(await shop.must('poison', 'list', '--object', 'orders')).toBe('Nothing is poisoned.\n');
    expect(JSON.parse(await shop.must('poison', 'list', '--object', 'orders', '--all', '--json'))).toEqual([]);
    expectRefused(
      await shop.run('poison', 'list', '--object', 'order'),
      '"order"; did you mean orders?',
      'Try: it knows',
    );
  });

  it('tells of the most first, and is one JSON document also when there are many pages', async () => {
    await shop.application.query(
      `INSERT INTO hubspot_data (object, source_id, status, due_at, error_code, created_at, updated_at)
       SELECT 'archive', CONCAT(a.id, '-', b.id), 'poison', NOW(), 'INVALID_EMAIL', NOW(), NOW()
       FROM users a JOIN users b WHERE a.id <= 50 AND b.id <= 50`,
    );
    const [first] = JSON.parse(await shop.must('poison', 'list', '--json')) as Group[];
    expect(first).toMatchObject({ object: 'archive', code: 'INVALID_EMAIL', property: null, rows: 2_500 });
    const rows = JSON.parse(await shop.must('poison', 'list', '--all', '--json', '--object', 'archive')) as unknown[];
    expect(rows).toHaveLength(2_500);
    expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(2_500);
    await shop.application.query("DELETE FROM hubspot_data WHERE object = 'archive'");
  });
});

describe('poison show', () => {
  it("shows what was sent and HubSpot's whole reason", async () => {
    const shown = await shop.must('poison', 'show', 'contacts/17');
    expect(shown).toMatch(/^record +contacts\/17$/m);
    expect(shown).toMatch(/^status +poison$/m);
    expect(shown).toMatch(/^code +INVALID_EMAIL$/m);
    expect(shown).toMatch(/^property +email$/m);
    expect(shown).toMatch(/^value +jane\.doe@$/m);
    expect(shown).toMatch(/^message +Email address jane\.doe@ is invalid/m);
    expect(shown).toMatch(/^refused +.*^ +email: jane\.doe@$/ms);
  });

  it('is the row with --json', async () => {
    const [row] = await shop.select<Record<string, unknown>>(
      "SELECT source_id, error_message, error_properties, match_value FROM hubspot_data WHERE object = 'contacts' AND source_id = '17'",
    );
    expect(JSON.parse(await shop.must('poison', 'show', 'contacts/17', '--json'))).toMatchObject(row ?? {});
  });

  it('asks which object is meant when several have a row of that id', async () => {
    expectRefused(
      await shop.run('poison', 'show', '17'),
      '17 is a row of contacts and of orders',
      'Try: name the object too: contacts/17',
    );
  });

  it('says that there is no such row', async () => {
    const { code, out, err } = await shop.run('poison', 'show', 'contacts/999999');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^Error: the outbox has no row "contacts\/999999"\nTry: hubspot-outbox poison list --all/);
  });
});

describe('poison retry and discard', () => {
  it('asks back on a terminal, and takes no for an answer', async () => {
    const before = await snapshot();
    expect(await answer('n', 'poison', 'discard', '--all')).toMatch(
      /Discard 5 poisoned rows\? \[y\/N\].*Nothing changed\./s,
    );
    expect(await answer('', 'poison', 'retry', '--all')).toMatch(/Send again 5 poisoned rows\?.*Nothing changed\./s);
    expect(await snapshot()).toEqual(before);
  });

  it('takes yes for an answer', async () => {
    expect(await answer('y', 'poison', 'retry', 'contacts/42')).toContain('1 poisoned row due again.');
    expect(await statusOf(17, 42)).toEqual(['17 poison INVALID_EMAIL', '42 pending MISSING_MATCH']);
  });

  it('changes all of the rows that are named or none', async () => {
    const before = await snapshot();
    const { code, err } = await shop.run('poison', 'retry', 'contacts/17', 'contacts/1', '--yes');
    expect(code).toBe(1);
    expect(err).toMatch(/^Error: contacts\/1 is synced, not poisoned\nTry: hubspot-outbox poison list --all/);
    expect((await shop.run('poison', 'discard', 'contacts/17', 'contacts/none', '--yes')).code).toBe(1);
    expect(await snapshot()).toEqual(before);
  });

  it('sends rows of one code again, and no others', async () => {
    expect(await shop.must('poison', 'retry', '--code', 'INVALID_VALUE', '--yes')).toBe('2 poisoned rows due again.\n');
    expect(await statusOf(17, 42, 99, 256)).toEqual([
      '17 poison INVALID_EMAIL',
      '42 pending MISSING_MATCH',
      '99 pending INVALID_VALUE',
      '256 pending INVALID_VALUE',
    ]);
    await shop.must('once');
    expect(await statusOf(42, 99, 256)).toEqual([
      '42 poison MISSING_MATCH',
      '99 poison INVALID_VALUE',
      '256 poison INVALID_VALUE',
    ]);
  });

  it('finds nothing where nothing is poisoned', async () => {
    for (const which of [
      ['--code', 'NO_SUCH_CODE'],
      ['--all', '--object', 'orders'],
    ]) {
      expect(await shop.must('poison', 'retry', ...which, '--yes')).toBe('No poisoned rows to change.\n');
    }
  });

  it('by the statement that is supported by hand: the rows are sent again', async () => {
    const [before] = await shop.select<{ failed_at: string }>(
      "SELECT failed_at FROM hubspot_poison WHERE source_id = '17'",
    );
    await shop.sandbox.clearCalls();
    await shop.application.query(
      "UPDATE hubspot_data SET status='pending', due_at=UTC_TIMESTAMP(6) WHERE status='poison' AND error_code='INVALID_EMAIL'",
    );
    await shop.must('once');
    const calls = await shop.sandbox.calls();
    expect(calls.flatMap(({ path, inputs }) => (path.endsWith('/upsert') ? inputs : []))).toEqual(['jane.doe@']);
    const [after] = await shop.select<{ failed_at: string }>(
      "SELECT failed_at FROM hubspot_poison WHERE source_id = '17'",
    );
    expect(String(after?.failed_at) > String(before?.failed_at)).toBe(true);
  });

  it('forgets a row that is discarded until it changes at its source', async () => {
    expect(await shop.must('poison', 'discard', '--code', 'INVALID_EMAIL', '--yes')).toBe(
      '1 poisoned row discarded.\n',
    );
    expect(await statusOf(17)).toEqual(['17 gone -']);
    expect(await shop.must('poison', 'list')).not.toContain('INVALID_EMAIL');
    await shop.application.query("UPDATE users SET email = 'jane.doe@example.com' WHERE id = 17");
    await shop.must('once');
    expect(await statusOf(17)).toEqual(['17 synced -']);
  });

  it('takes several ids, and all that is left', async () => {
    expect(await shop.must('poison', 'discard', 'contacts/99', 'contacts/256', '--yes')).toBe(
      '2 poisoned rows discarded.\n',
    );
    expect(await shop.must('poison', 'discard', '--all', '--object', 'contacts', '--yes')).toBe(
      '2 poisoned rows discarded.\n',
    );
    expect(await shop.must('poison', 'list')).toBe('Nothing is poisoned.\n');
  });
});

describe('what somebody wrote into the application', () => {
  const evil = '\x1b[2Jred\x9b31m\u202etxt.exe\u2066\r\nstatus  synced\0\u200b';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
  const HARMFUL = /[\0-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/;
  const id = `e/${evil}`;

  beforeAll(async () => {
    await shop.application.query(
      `INSERT INTO hubspot_data (object, source_id, status, due_at, match_value, error_code, error_property, error_value, error_message,
         error_properties, failed_at, created_at, updated_at) VALUES ('contacts', ?, 'poison', NOW(), ?, 'EVIL', ?, ?, ?, ?, NOW(), NOW(), NOW())`,
      [id, evil, evil, evil, evil, JSON.stringify({ [evil]: evil })],
    );
    await shop.application.query(
      "UPDATE hubspot_object SET paused_code = 'EVIL', paused_reason = ?, backfill_after = ? WHERE object = 'contacts'",
      [evil, evil],
    );
  });

  it.each([
    ['poison', 'list'],
    ['poison', 'list', '--all'],
    ['poison', 'list', '--json'],
    ['poison', 'list', '--all', '--json'],
    ['status'],
    ['status', '--json'],
  ])('does not reach the terminal: %s %s %s %s', async (...args) => {
    const out = await shop.must(...args.filter(Boolean));
    expect(out).toContain('EVIL');
    expect(out).not.toMatch(HARMFUL);
    if (args.includes('--json')) expect(JSON.stringify(JSON.parse(out))).toContain(JSON.stringify(evil).slice(1, -1));
    // As it is, escaped.
    if (args.includes('--all') && args.includes('--json')) expect(JSON.parse(out)).toMatchObject([{ source_id: id }]);
  });

  it('cannot imitate a field', async () => {
    const { code, err } = await shop.run('poison', 'show', evil.replace('\0', ''));
    expect(code).toBe(1);
    expect(err).not.toMatch(HARMFUL);
  });
});

/** Runs the program on a terminal, and types a line once it is asked something. */
async function answer(line: string, ...args: string[]): Promise<string> {
  const command = [process.execPath, programFile, '--config', shopMapping, ...args];
  const script =
    process.platform === 'darwin' ? ['-q', '/dev/null', ...command] : ['-qefc', command.join(' '), '/dev/null'];
  const child = spawn('script', script, { env: { ...process.env, ...shop.env } });
  let seen = '';
  let isAnswered = false;
  child.stdout.on('data', (text) => {
    seen += text;
    if (isAnswered || !seen.includes('[y/N]')) return;
    isAnswered = true;
    child.stdin.write(`${line}\n`);
  });
  await once(child, 'close');
  expect(isAnswered, seen).toBe(true);
  return seen;
}
