import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server as NetServer, connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/database/connect.ts';
import { ConfigurationError } from '../../src/errors.ts';
import { server } from '../support/database.ts';
import { runProgram } from '../support/program.ts';
import { makeCertificates } from '../support/servers/certificates.ts';
import type { Server } from '../support/servers/server.ts';
import { PRIVATE } from '../support/servers/start.ts';

const { kind } = server();
// A server in a container cannot be given certificates of ours; and MySQL 5.6 speaks nothing newer than TLS 1.0.
const start = PRIVATE[kind];
const isOld = kind === 'mysql-5.6';

const of = (isConcerned: boolean) => (start === undefined ? describe.skip : isConcerned ? describe : () => {});

let own: Server;
let stripping: NetServer;
let folder: string;
let ca: string;
let otherCa: string;
let nameless: string;

beforeAll(async () => {
  if (start === undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-tls-'));
  otherCa = makeCertificates(folder, 'other', 'localhost').ca;
  nameless = join(folder, 'no-certificate.pem');
  writeFileSync(nameless, 'no certificate\n');
  own = await start((inFolder, inside) => {
    ca = makeCertificates(inFolder, 'own', 'localhost').ca;
    return ['ca', 'cert', 'key'].map((part) => `--ssl-${part}=${inside}/own-${part}.pem`);
  });
  const admin = await mysql.createConnection({ uri: own.adminUrl });
  await admin.query('CREATE DATABASE shop');
  await admin.end();
  stripping = await startStripping(own.port);
});
afterAll(async () => {
  stripping?.close();
  await own?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

of(!isOld)('TLS to the database', () => {
  it.each(['', 'ssl-mode=DISABLED'])('is not used with %j', async (query) => {
    expect(await cipherOf(url(query))).toBe('');
  });

  it.each(['ssl-mode=PREFERRED', 'ssl-mode=REQUIRED', 'ssl-mode=required'])('is used with %s', async (query) => {
    expect(await cipherOf(url(query))).not.toBe('');
  });

  it('is used with the CA that signed the certificate of the server', async () => {
    expect(await cipherOf(url(`ssl-mode=VERIFY_CA&ssl-ca=${ca}`))).not.toBe('');
    expect(await cipherOf(url(`ssl-mode=VERIFY_IDENTITY&ssl-ca=${ca}`))).not.toBe('');
  });

  it('is used by every connection of the pool', async () => {
    const db = await connect(url('ssl-mode=REQUIRED'));
    // Each transaction keeps a connection to itself.
    const sessions = await Promise.all([1, 2, 3, 4].map(() => db.transaction()));
    try {
      const answers = await Promise.all(sessions.map((session) => session.raw("SHOW STATUS LIKE 'Ssl_cipher'")));
      expect(answers.filter(([[row]]) => row.Value === '')).toEqual([]);
    } finally {
      await Promise.all(sessions.map((session) => session.rollback()));
      await db.destroy();
    }
  });

  it.each(['VERIFY_CA', 'VERIFY_IDENTITY'])(
    'is refused by %s with the CA of somebody else, or with none',
    async (mode) => {
      await expectRefusal(url(`ssl-mode=${mode}&ssl-ca=${otherCa}`), /certificate of localhost:\d+/);
      await expectRefusal(url(`ssl-mode=${mode}`), /certificate of localhost:\d+/);
    },
  );

  it('tells by VERIFY_IDENTITY alone that the certificate is for another host', async () => {
    const [byName, byAddress] = [`ssl-mode=VERIFY_CA&ssl-ca=${ca}`, `ssl-mode=VERIFY_IDENTITY&ssl-ca=${ca}`];
    expect(await cipherOf(url(byName, '127.0.0.1'))).not.toBe('');
    await expectRefusal(url(byAddress, '127.0.0.1'), /127\.0\.0\.1/);
  });

  it('is refused with a CA file that holds no certificate', async () => {
    await expectRefusal(url(`ssl-mode=VERIFY_CA&ssl-ca=${nameless}`), /ssl-ca|certificate/);
  });

  it('is demanded by an account that was made with REQUIRE SSL, which is told', async () => {
    const admin = await mysql.createConnection({ uri: own.adminUrl });
    await admin.query("CREATE USER 'secure'@'localhost' IDENTIFIED BY 'secret' REQUIRE SSL");
    await admin.query("GRANT SELECT ON shop.* TO 'secure'@'localhost'");
    await admin.end();
    const as = (query: string) => url(query).replace('root@', 'secure:secret@');
    await expectRefusal(as(''), /refuses user secure/);
    expect(await cipherOf(as('ssl-mode=REQUIRED'))).not.toBe('');
  });

  it('is told as a whole by the program, with exit code 2', async () => {
    const env = { DATABASE_URL: url(`ssl-mode=VERIFY_CA&ssl-ca=${otherCa}`) };
    const { code, out, err } = await runProgram(['migrate', '--status'], env);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^Error: .*certificate.*\nTry: .*\n$/);
  });
});

of(true)('a server that offers no TLS, or somebody on the way who takes the offer out', () => {
  it.each(['REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'])('is refused by %s', async (mode) => {
    await expectRefusal(strippedUrl(`ssl-mode=${mode}&ssl-ca=${ca}`), /offers no TLS/);
  });

  it('is taken by PREFERRED, as by every client of MySQL', async () => {
    expect(await cipherOf(strippedUrl('ssl-mode=PREFERRED'))).toBe('');
  });
});

of(isOld)('a server that speaks only TLS of a version that is broken', () => {
  it.each(['REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'])(
    'is refused by %s, and the version is named as the reason',
    async (mode) => {
      await expectRefusal(url(`ssl-mode=${mode}&ssl-ca=${ca}`), /version|1\.2/);
    },
  );

  it('is taken without TLS by PREFERRED', async () => {
    expect(await cipherOf(url('ssl-mode=PREFERRED'))).toBe('');
  });
});

function url(query: string, host = 'localhost', port = own.port): string {
  return `mysql://root@${host}:${port}/shop${query === '' ? '' : `?${query}`}`;
}

function strippedUrl(query: string): string {
  return url(query, 'localhost', (stripping.address() as AddressInfo).port);
}

/** What encrypts a connection of the program, as the server sees it; empty for none. */
async function cipherOf(databaseUrl: string): Promise<string> {
  const db = await connect(databaseUrl);
  try {
    const [[row]] = await db.raw("SHOW STATUS LIKE 'Ssl_cipher'");
    return row.Value;
  } finally {
    await db.destroy();
  }
}

async function expectRefusal(databaseUrl: string, named: RegExp): Promise<void> {
  const refused = await connect(databaseUrl).then(
    (db) => db.destroy().then(() => 'connected'),
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(ConfigurationError);
  expect((refused as ConfigurationError).message).toMatch(named);
  expect((refused as ConfigurationError).remedy).toBeTypeOf('string');
}

const CLIENT_SSL = 0x0800;

/** Stands between the program and the server, and takes the offer of TLS out of the server's greeting. */
async function startStripping(port: number): Promise<NetServer> {
  const proxy = createServer((client) => {
    const upstream = netConnect(port, '127.0.0.1');
    upstream.once('data', (greeting) => {
      client.write(withoutTls(greeting));
      upstream.pipe(client);
    });
    client.pipe(upstream);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  return proxy;
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html */
function withoutTls(greeting: Buffer): Buffer {
  const changed = Buffer.from(greeting);
  const versionEnd = changed.indexOf(0, 5);
  const capabilities = versionEnd + 1 + 4 + 8 + 1;
  changed.writeUInt16LE(changed.readUInt16LE(capabilities) & ~CLIENT_SSL, capabilities);
  return changed;
}
