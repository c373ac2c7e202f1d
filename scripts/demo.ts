// npm run demo [-- --keep]: the whole trip of a change, on a database server and a HubSpot of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import mysql, { type Connection } from 'mysql2/promise';
import { createShopTables, seedShop } from '../examples/shop/seed.ts';
import { freePort } from '../test/support/servers/private.ts';
import type { Server } from '../test/support/servers/server.ts';
import { startAnyServer } from '../test/support/servers/start.ts';

const keep = process.argv.includes('--keep');
const unknown = process.argv.slice(2).find((argument) => argument !== '--keep');
if (unknown !== undefined) {
  console.error(`Error: npm run demo takes --keep and nothing else, got ${unknown}\nTry: npm run demo -- --keep`);
  process.exit(2);
}

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const mapping = fileURLToPath(new URL('../examples/shop/hubspot-outbox.yaml', import.meta.url));
const properties = fileURLToPath(new URL('../examples/shop/properties.json', import.meta.url));
const children: ChildProcess[] = [];
let server: Server | undefined;
let isEnding = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(130));

try {
  await demo();
  if (!keep) await end(0);
} catch (error) {
  console.error(`Error: ${error instanceof Error ? error.message : error}`);
  await end(1);
}

async function demo(): Promise<void> {
  title('A ten-year-old shop, with 2,000 users, a dozen of them bad in different ways');
  server = await startAnyServer();
  const url = `${server.adminUrl}/shop`;
  const application = await openShop(server.adminUrl);
  say(`${server.kind} listens on 127.0.0.1:${server.port}; this server is only for the demo`);

  title('A sandbox HubSpot, in a process of its own');
  const hubspot = await startSandbox();
  const env = {
    DATABASE_URL: url,
    HUBSPOT_BASE_URL: hubspot.url,
    HUBSPOT_ACCESS_TOKEN: hubspot.token,
    LOG_LEVEL: 'warn',
    HTTP_PORT: String(await freePort()),
  };
  say(`it listens on ${hubspot.url}, and has the limits of HubSpot's Pro plan`);

  title('The outbox tables, the triggers, and the first backfill');
  await run(env, 'migrate');
  await run(env, 'triggers', 'apply');
  await run(env, 'backfill');

  title('The worker: everything is delivered, 100 records a call');
  const worker = spawn(process.execPath, [cli, '--config', mapping, 'run'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(worker);
  await settled(application);
  const [contacts, deals] = [await count(hubspot.url, 'contacts'), await count(hubspot.url, 'deals')];
  say(`HubSpot holds ${contacts} contacts and ${deals} deals now; the rest is poison, or the SELECTs leave it out`);

  title('What HubSpot refused, and why (hubspot-outbox poison list)');
  await run(env, 'poison', 'list');

  title('The application goes on as ever: plain SQL, no word of HubSpot');
  await change(application, hubspot.url, "UPDATE users SET first_name = 'Grace', last_name = 'Hopper' WHERE id = 1", 1);
  await change(
    application,
    hubspot.url,
    "UPDATE user_cim_details SET phone = '+1 555 0100', city = 'Arlington' WHERE user_id = 1",
    1,
  );
  say('user 17 is poison for the e-mail address jane.doe@; it is mended at its source:');
  await change(application, hubspot.url, "UPDATE users SET email = 'jane.doe@example.com' WHERE id = 17", 17);

  title('Where it stands (hubspot-outbox status)');
  await run(env, 'status');
  await application.end();
  await next(env, worker);
}

async function openShop(adminUrl: string): Promise<Connection> {
  const admin = await mysql.createConnection({ uri: adminUrl });
  await admin.query('CREATE DATABASE shop CHARACTER SET utf8mb4');
  await admin.end();
  const connection = await mysql.createConnection({ uri: `${adminUrl}/shop`, charset: 'utf8mb4' });
  await createShopTables(connection);
  await seedShop(connection, { users: 2_000 });
  return connection;
}

async function startSandbox(): Promise<{ url: string; token: string }> {
  const child = spawn(process.execPath, [cli, 'sandbox', '--port', '0', '--json', '--latency', '100'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { url, token } = JSON.parse(line.toString()) as { url: string; token: string };
  const definitions = JSON.parse(readFileSync(properties, 'utf8')) as Record<string, unknown[]>;
  for (const [type, inputs] of Object.entries(definitions)) {
    await fetch(`${url}/crm/v3/properties/${type}/batch/create`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ inputs }),
    });
  }
  return { url, token };
}

/** Runs a command of the program in view. */
async function run(env: Record<string, string>, ...args: string[]): Promise<void> {
  console.log(`  $ hubspot-outbox ${args.join(' ')}`);
  const child = spawn(process.execPath, [cli, '--config', mapping, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  children.push(child);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`hubspot-outbox ${args.join(' ')} ended with ${code}`);
}

/** Waits until no mark is unfolded and no row pending, and says how far it is. */
async function settled(application: Connection): Promise<void> {
  let said = '';
  for (;;) {
    const [[row]] = (await application.query(
      'SELECT SUM(marks + pending) AS waiting FROM hubspot_backlog',
    )) as unknown as [{ waiting: string }[]];
    const waiting = Number(row?.waiting ?? 0);
    const text = `${waiting} to go`;
    if (text !== said)
      process.stdout.write(
        process.stdout.isTTY ? `\r  ${text.padEnd(40)}` : said === '' || waiting === 0 ? `  ${text}\n` : '',
      );
    said = text;
    if (waiting === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (process.stdout.isTTY) process.stdout.write('\n');
}

async function change(application: Connection, url: string, sql: string, id: number): Promise<void> {
  console.log(`  mysql> ${sql};`);
  const begun = performance.now();
  await application.query(sql);
  await settled(application);
  const [[row]] = (await application.query(
    "SELECT hubspot_id, status FROM hubspot_data WHERE object = 'contacts' AND source_id = ?",
    [String(id)],
  )) as unknown as [{ hubspot_id: string; status: string }[]];
  const records = (await (await fetch(`${url}/__sandbox/records/contacts`)).json()) as {
    id: string;
    properties: Record<string, string>;
  }[];
  const {
    firstname,
    lastname,
    email,
    phone = '',
    city = '',
  } = records.find((record) => record.id === row?.hubspot_id)?.properties ?? {};
  say(
    `HubSpot, ${((performance.now() - begun) / 1_000).toFixed(1)} s later: ${firstname} ${lastname}, ${email}, ${phone}, ${city} (${row?.status})`,
  );
}

async function count(url: string, type: string): Promise<number> {
  return ((await (await fetch(`${url}/__sandbox/records/${type}`)).json()) as unknown[]).length;
}

async function next(env: Record<string, string>, worker: ChildProcess): Promise<void> {
  if (keep) {
    title('Everything stays up; Ctrl-C ends it. In another terminal, in this folder:');
    for (const [name, value] of Object.entries(env))
      if (!['LOG_LEVEL', 'HTTP_PORT'].includes(name)) console.log(`  export ${name}=${value}`);
    const path = existsSync('node_modules') ? 'node_modules/.bin/node src/cli.ts' : 'hubspot-outbox';
    console.log(`  mysql -h 127.0.0.1 -P ${server?.port} -u root shop      # change something`);
    console.log(`  curl ${env.HUBSPOT_BASE_URL}/__sandbox/records/contacts # what HubSpot holds`);
    console.log(`  curl http://127.0.0.1:${env.HTTP_PORT}/health              # how the worker is`);
    console.log(`  ${path} --config examples/shop/hubspot-outbox.yaml status`);
    return;
  }
  worker.kill('SIGTERM');
  await once(worker, 'exit');
  title('What to try next');
  console.log('  npm run demo -- --keep     leave everything up, and play with it');
  console.log('  README.md                  connect your own database and HubSpot');
}

function title(text: string): void {
  console.log(`\n== ${text}`);
}

function say(text: string): void {
  console.log(`  ${text}`);
}

/** Leaves nothing running. */
async function end(code: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await server?.stop();
  process.exit(code);
}
