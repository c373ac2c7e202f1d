// Plain JavaScript for any Node since 18: it brings what the project needs, then hands over to the project's own Node.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const node = join(root, 'node_modules', 'node', 'bin', 'node');
const stamp = join(root, 'node_modules', '.installed');
const major = Number(process.versions.node.split('.')[0]);

if (major < 18) {
  console.error(`Error: this needs Node 18 or later to set itself up, and this is ${process.versions.node}`);
  process.exit(2);
}
const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error('Error: this starts a script of the project: npm test, npm run demo, npm run bench');
  process.exit(2);
}
if (!isInstalled()) install();
const path = `${dirname(node)}:${join(root, 'node_modules', '.bin')}:${process.env.PATH}`;
const child = spawn(node, [join(root, 'scripts', `${script}.ts`), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: path },
});
// Ctrl-C reaches the whole group; the child ends what it started, and we end with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)));

/** What is installed is what the lock file says: times of files say little after a checkout. */
function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash() && runs();
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function runs() {
  return existsSync(node) && spawnSync(node, ['--version']).stdout?.toString().startsWith('v24.') === true;
}

function install() {
  console.log('Installing the packages of the project …');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  // The package `node` fetches its binary in an install script, which an npm may hold back.
  if (!runs()) run('npm', ['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts']);
  if (!runs()) run(process.execPath, ['installArchSpecificPackage.js'], join(root, 'node_modules', 'node'));
  if (runs()) {
    writeFileSync(stamp, lockHash());
    return;
  }
  console.error(
    `Error: the package "node" did not bring Node 24 to ${node}\nTry: npm rebuild node --foreground-scripts`,
  );
  process.exit(2);
}

function run(command, args, cwd = root) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) console.error(`${command} ${args.join(' ')} ended with ${status}`);
}
