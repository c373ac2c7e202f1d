import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { debianProgram, debianWithMysql, npmMysql56 } from './install.ts';
import { forgetProcess, rememberProcess } from './leftovers.ts';
import { NotAtHand, type Server, type SmallDisk } from './server.ts';

// Small and quick; what is committed survives a killed server, since it has left the process.
const FLAGS = [
  '--bind-address=127.0.0.1',
  '--innodb-flush-log-at-trx-commit=2',
  '--innodb-buffer-pool-size=256M',
  '--max-connections=300',
  '--performance-schema=OFF',
  '--local-infile=ON',
];

/** Puts what a server needs into its folder before it starts; returns more flags. `inside` is how the server calls the folder. */
export type Prepare = (folder: string, inside: string) => string[];

const nothing: Prepare = () => [];

type Instance = { folder: string; command: string; args: string[]; env?: NodeJS.ProcessEnv };

export async function startMariaDb(prepare = nothing): Promise<Server> {
  const mariadbd = debianProgram('mariadbd', 'mariadb-server');
  const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-mariadb-'));
  const data = join(folder, 'data');
  must('mariadb-install-db', [
    '--no-defaults',
    '--user=root',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
  ]);
  return start({
    folder,
    command: mariadbd,
    args: [
      '--no-defaults',
      '--user=root',
      `--datadir=${data}`,
      `--socket=${join(folder, 's')}`,
      `--tmpdir=${folder}`,
      '--skip-log-bin',
      ...FLAGS,
      ...prepare(folder, folder),
    ],
  });
}

export async function startMysql(prepare = nothing): Promise<Server> {
  const debian = debianWithMysql();
  const folder = mkdtempSync(join(debian, 'tmp', 'hubspot-outbox-mysql-'));
  const inside = folder.slice(debian.length);
  must('chroot', [
    debian,
    'mysqld',
    '--no-defaults',
    '--initialize-insecure',
    '--user=root',
    `--datadir=${inside}/data`,
  ]);
  return start({
    folder,
    command: 'chroot',
    args: [
      debian,
      'mysqld',
      '--no-defaults',
      '--user=root',
      `--datadir=${inside}/data`,
      `--socket=${inside}/s`,
      `--pid-file=${inside}/pid`,
      `--tmpdir=${inside}`,
      '--mysqlx=OFF',
      '--secure-file-priv=NULL',
      '--disable-log-bin',
      ...FLAGS,
      ...prepare(folder, inside),
    ],
  });
}

export async function startMysql56(prepare = nothing): Promise<Server> {
  const server = npmMysql56();
  const folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-mysql56-'));
  const data = join(folder, 'data');
  mkdirSync(join(data, 'mysql'), { recursive: true });
  const args = [
    '--no-defaults',
    '--user=root',
    `--basedir=${server}`,
    `--datadir=${data}`,
    `--lc-messages-dir=${join(server, 'share')}`,
    // A server clears what temporary files it finds at its start, those of its neighbours too.
    `--tmpdir=${folder}`,
  ];
  const env = { LD_LIBRARY_PATH: server };
  const tables = ['mysql_system_tables.sql', 'mysql_system_tables_data.sql'].map((name) =>
    readFileSync(join(server, 'share', name), 'utf8'),
  );
  must(join(server, 'mysqld'), [...args, '--bootstrap'], env, `USE mysql;\n${tables.join('\n')}`);
  return start({
    folder,
    command: join(server, 'mysqld'),
    args: [
      ...args,
      `--socket=${join(folder, 's')}`,
      `--pid-file=${join(folder, 'pid')}`,
      '--innodb-log-file-size=64M',
      ...FLAGS,
      ...prepare(folder, folder),
    ],
    env,
  });
}

async function start({ folder, command, args, env = {} }: Instance): Promise<Server> {
  const port = await freePort();
  const log = join(folder, 'server.log');
  const adminUrl = `mysql://root@127.0.0.1:${port}`;
  const launch = (disk?: SmallDisk) => {
    const out = openSync(log, 'a');
    const [program = command, ...words] = [...(disk === undefined ? [] : onSmallDisk(folder, disk)), command, ...args];
    // In a group of its own, so that Ctrl-C in the terminal reaches the runner alone, which stops it in order.
    const child = spawn(program, [...words, `--port=${port}`], {
      stdio: ['ignore', out, out],
      env: { ...process.env, ...env },
      detached: true,
    });
    closeSync(out);
    return { child, entry: rememberProcess(child.pid ?? 0, folder) };
  };
  let running = launch();
  const stop = async () => {
    await end(running.child);
    rmSync(folder, { recursive: true, force: true });
    forgetProcess(running.entry);
  };
  const restart = async (signal: NodeJS.Signals, disk?: SmallDisk) => {
    await end(running.child, signal);
    forgetProcess(running.entry);
    running = launch(disk);
    await untilReady(port, running.child, log);
  };
  try {
    const kind = await untilReady(port, running.child, log);
    return {
      kind,
      host: '127.0.0.1',
      port,
      adminUrl,
      get pid() {
        return running.child.pid;
      },
      restart,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What comes before a server's command: a mount that only the server and what it starts can see, and that ends with it. */
function onSmallDisk(folder: string, { database, megabytes }: SmallDisk): string[] {
  const files = join(folder, 'data', database);
  const prepare = `mv ${files} ${files}.was && mkdir ${files} && mount -t tmpfs -o size=${megabytes}m tmpfs ${files} &&
    cp -a ${files}.was/. ${files} && rm -r ${files}.was && exec "$@"`;
  return ['unshare', '--mount', 'sh', '-c', prepare, 'sh'];
}

/** What it calls itself, once it answers. */
async function untilReady(port: number, child: ChildProcess, log: string): Promise<string> {
  for (;;) {
    if (child.exitCode !== null)
      throw new NotAtHand(`the server did not start: ${readFileSync(log, 'utf8').trim().slice(-500)}`);
    try {
      const connection = await mysql.createConnection({ host: '127.0.0.1', port, user: 'root' });
      const [rows] = await connection.query('SELECT VERSION() AS version');
      await connection.end();
      return kindOf(String((rows as { version: string }[])[0]?.version));
    } catch {
      await delay(100);
    }
  }
}

export function kindOf(version: string): string {
  const [, number = version] = /(\d+\.\d+)\.\d+/.exec(version.replace(/^5\.5\.5-/, '')) ?? [];
  return `${/mariadb/i.test(version) ? 'mariadb' : 'mysql'}-${number}`;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

function must(command: string, args: string[], env: NodeJS.ProcessEnv = {}, input = ''): void {
  const { status, stderr, stdout, error } = spawnSync(command, args, {
    env: { ...process.env, ...env },
    input,
    encoding: 'utf8',
  });
  if (status !== 0)
    throw new NotAtHand(
      `${command} ended with ${status ?? error?.message}: ${(stderr || stdout || '').trim().slice(-500)}`,
    );
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const address = probe.address();
  await new Promise((closed) => probe.close(closed));
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}
