import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { connectAsApplication, server, type TestDatabase } from './database.ts';

/** Runs a file of SQL with the command line client that is installed here; tells which, `mysql2` where there is none. */
export async function runSqlFile(database: TestDatabase, file: string): Promise<string> {
  const client = ['mysql', 'mariadb'].find(isInstalled);
  if (client === undefined) await runStatements(database, file);
  else await runClient(client, database, file);
  return client ?? 'mysql2';
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

async function runClient(client: string, { name }: TestDatabase, file: string): Promise<void> {
  const { hostname, port, username, password } = new URL(server().adminUrl);
  const args = ['--no-defaults', '--protocol=tcp', `--host=${hostname}`, `--port=${port}`, `--user=${username}`];
  const child = spawn(client, [...args, '--default-character-set=utf8mb4', name], {
    env: { ...process.env, MYSQL_PWD: decodeURIComponent(password) },
    stdio: ['pipe', 'inherit', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  child.stdin.end(file);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${client} ended with ${code}: ${said}`);
}

/** Statement by statement, as the client reads them. */
async function runStatements(database: TestDatabase, file: string): Promise<void> {
  const connection = await connectAsApplication(database);
  try {
    let end = ';';
    let statement = '';
    for (const line of file.split('\n')) {
      const changed = /^DELIMITER (\S+)$/.exec(line)?.[1];
      if (changed !== undefined) end = changed;
      else if (line.startsWith('--')) continue;
      else if (line.endsWith(end)) {
        await connection.query(`${statement}${line.slice(0, -end.length)}`);
        statement = '';
      } else statement += `${line}\n`;
    }
    if (statement !== '') throw new Error(`the file ends in the middle of a statement: ${statement}`);
  } finally {
    await connection.end();
  }
}
