import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runProgram } from '../support/program.ts';
import { freePort } from '../support/servers/private.ts';
import { expectRefused } from './refused.ts';

const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a wrong DATABASE_URL', () => {
  const cases: [title: string, url: string | undefined, ...says: string[]][] = [
    ['is not set', undefined, 'DATABASE_URL: is not set', 'mysql://user:password@host:3306/database'],
    ['is empty', '', 'DATABASE_URL: is not set'],
    ['is no URL', 's3cr3t', 'DATABASE_URL: is not a URL', 'mysql://user:password@host:3306/database'],
    ['is of another database', 'postgres://u:s3cr3t@h/d', 'DATABASE_URL: expected it to begin with mysql://'],
    ['names no host', 'mysql:///shop', 'DATABASE_URL: names no host'],
    ['names no user', 'mysql://127.0.0.1/shop', 'DATABASE_URL: names no user'],
    ['names no database', 'mysql://root:s3cr3t@127.0.0.1', 'DATABASE_URL: names no database'],
    ['names a port that is none', 'mysql://root:s3cr3t@127.0.0.1:70000/shop', 'DATABASE_URL: is not a URL'],
    ['has an unknown parameter', 'mysql://u:s3cr3t@h/d?ssl-mod=x', 'unknown parameter ssl-mod; did you mean ssl-mode?'],
    [
      'has an unknown ssl-mode',
      'mysql://u:s3cr3t@h/d?ssl-mode=ON',
      'DATABASE_URL: ssl-mode is ON',
      'REQUIRED',
      'Try: ',
    ],
    ['names no CA', 'mysql://u:s3cr3t@h/d?ssl-mode=VERIFY_CA&ssl-ca=/no/file', 'cannot read ssl-ca /no/file', 'Try: '],
    [
      'has a bare % in its password',
      'mysql://u:s3cr3t%zz@h/d',
      'DATABASE_URL: the password holds a %',
      'Try: write % as',
    ],
    ['has a bare / in its password', 'mysql://u:12/s3cr3t@h/d', 'DATABASE_URL: has an @', '%2F'],
    ['has a bare ? in its password', 'mysql://u:12?s3cr3t@h/d', 'DATABASE_URL: has an @', '%3F'],
    ['has a bare # in its password', 'mysql://u:12#s3cr3t@h/d', 'DATABASE_URL: has an @', '%23'],
  ];
  it.each(cases)('that %s', async (_, url, ...says) => {
    expectRefused(await runProgram(['status'], url === undefined ? {} : { DATABASE_URL: url }, folder), ...says);
  });

  it('is told together with everything else that is wrong in the environment', async () => {
    const env = { HUBSPOT_ACCESS_TOKEN: 'pat-secret with a blank', HUBSPOT_BASE_URL: 'ftp://x', LOG_LEVEL: 'inof' };
    const names = [
      'DATABASE_URL: ',
      'HUBSPOT_ACCESS_TOKEN: ',
      'HUBSPOT_BASE_URL: ',
      'did you mean info?',
      'HTTP_PORT: ',
    ];
    expectRefused(await runProgram(['status'], { ...env, HTTP_PORT: '-1' }, folder), ...names);
  });
});

describe('a database server that is not reached', () => {
  it('because nobody listens there', async () => {
    const port = await freePort();
    const url = `mysql://root:s3cr3t@127.0.0.1:${port}/shop`;
    const told = [`no database server answers at 127.0.0.1:${port}`, 'Try: check host and port of DATABASE_URL'];
    expectRefused(await runProgram(['status'], { DATABASE_URL: url }, folder), ...told);
  });

  it('because its name is unknown', async () => {
    const finished = await runProgram(['status'], { DATABASE_URL: 'mysql://u:s3cr3t@no.host.invalid/shop' }, folder);
    expectRefused(finished, 'the host of no.host.invalid:3306', 'Try: check the host in DATABASE_URL');
  });

  it('because it says nothing', async () => {
    const server = await listen(() => {});
    expectRefused(await status(server), 'does not answer', 'Try: check host and port of DATABASE_URL');
    await close(server);
  });

  it('because something else answers', async () => {
    const server = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expectRefused(await status(server), 'hangs up', 'Try: check host and port of DATABASE_URL');
    await close(server);
  });

  it('because it hangs up', async () => {
    const server = await listen((socket) => socket.destroy());
    expectRefused(await status(server), 'hangs up', 'Try: check host and port of DATABASE_URL');
    await close(server);
  });

  const sockets = new Set<Socket>();
  async function listen(answer: (socket: Socket) => void): Promise<Server> {
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      answer(socket);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return server;
  }
  function status(server: Server) {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    return runProgram(['status'], { DATABASE_URL: `mysql://root:s3cr3t@127.0.0.1:${port}/shop` }, folder);
  }
  async function close(server: Server): Promise<void> {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  }
});

describe('wrong usage', () => {
  const cases: [args: string[], ...says: string[]][] = [
    [['statsu'], "unknown command 'statsu'", 'Did you mean status?', 'Try: hubspot-outbox --help'],
    [['poison', 'lst'], "unknown command 'lst'", 'Did you mean list?', 'Try: '],
    [['status', '--jsno'], "unknown option '--jsno'", 'Did you mean --json?', 'Try: '],
    [['status', 'now'], 'too many arguments', 'now', 'Try: '],
    [['poison', 'show'], "missing required argument 'id'", 'Try: '],
    [['--config'], "option '--config <file>' argument missing", 'Try: '],
    [['sandbox', '--port', '99999'], '--port', 'expected a port, 0 to 65535', 'Try: '],
    [['sandbox', '--plan', 'gold'], '--plan', 'free, starter, pro', 'Try: '],
    [['migrate', '--status', '--rollback'], '--status and --rollback', 'Try: hubspot-outbox migrate --status'],
  ];
  it.each(cases)('%j', async (args, ...says) => {
    expectRefused(await runProgram(args, {}, folder), ...says);
  });

  it('shows the commands when none is given', async () => {
    const { code, out, err } = await runProgram([], {}, folder);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^Usage: hubspot-outbox .*backfill.*poison/s);
  });
});

describe('a mapping file that cannot be read', () => {
  const contact = (lines: string) => `objects:\n  contacts:\n${lines}`;
  const whole = `    match_on: email\n    key: users.id\n    query: SELECT id AS source_id, email FROM users WHERE id IN (:ids)\n`;
  const cases: [title: string, yaml: string, ...says: string[]][] = [
    ['a list that never ends', 'objects:\n  contacts: [\n', 'is not YAML', 'FILE:3:1'],
    ['two values in a line', contact('    key: a: b\n'), 'is not YAML', 'FILE:3:10'],
    ['a tab', 'objects:\n\tcontacts:\n', 'FILE:2:1: a tab indents this line; YAML takes spaces'],
    ['nothing', '# later\n', 'FILE is empty', 'Try: ', 'examples/hubspot-outbox.yaml'],
    ['one word', 'contacts\n', 'FILE: expected a map with objects, settings', 'got "contacts"'],
    [
      'one name twice',
      `${contact(whole)}  contacts:\n${whole}`,
      'FILE:6:3: the key contacts stands here for the second',
    ],
    [
      'an unknown key',
      contact(`${whole}    mach_on: email\n`),
      'FILE:6:5 objects.contacts.mach_on',
      'did you mean match_on?',
    ],
    ['an unknown key at its root', `${contact(whole)}setings: {}\n`, 'FILE:6:1 setings', 'did you mean settings?'],
    [
      'an object that is named as what every object has',
      contact(whole).replace('contacts:', '__proto__:'),
      'FILE:2:3 objects.__proto__',
    ],
    [
      'a query that writes',
      contact(whole.replace('SELECT', 'DELETE')),
      'FILE:5:5 objects.contacts.query',
      'expected a SELECT',
    ],
    [
      'two objects that feed the same records',
      `${contact(whole)}  people:\n    type: contacts\n${whole}`,
      'FILE:6:3 objects.people: feeds contacts by email, and so does objects.contacts',
      'join them into one',
    ],
    [
      'bad settings',
      `${contact(whole)}settings:\n  concurrency: 99\n  schedule: often\n  batch_size: "9"\n  call_per_day: 1\n`,
      'FILE:7:3 settings.concurrency: expected a whole number of batches at a time, 1 to 32, got 99',
      'FILE:8:3 settings.schedule: expected a cron expression',
      'FILE:9:3 settings.batch_size: expected a whole number of records, 1 to 100, got "9"',
      'FILE:10:3 settings.call_per_day: is no key here; did you mean calls_per_day?',
    ],
  ];
  it.each(cases)('for it holds %s', async (title, yaml, ...says) => {
    const file = join(folder, `${title.replaceAll(' ', '-')}.yaml`);
    writeFileSync(file, yaml);
    const finished = await runProgram(['--config', file, 'triggers', 'apply'], {}, folder);
    expectRefused(finished, ...says.map((text) => text.replace('FILE', file)));
  });

  it('for it is missing', async () => {
    const told = [
      'cannot read the mapping file hubspot-outbox.yaml: there is no such file',
      'Try: name it with --config',
    ];
    expectRefused(await runProgram(['once'], {}, folder), ...told);
  });

  it('for it is a folder', async () => {
    expectRefused(await runProgram(['--config', folder, 'once'], {}, folder), `${folder}: it is a folder`, 'Try: ');
  });
});
