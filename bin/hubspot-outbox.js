#!/usr/bin/env node
// Plain JavaScript of the oldest syntax: it must run far enough on an old Node to say what is missing.
const major = Number(process.versions.node.split('.')[0]);
if (major < 22) {
  process.stderr.write(
    `Error: hubspot-outbox needs Node 22 or later, and this is Node ${process.versions.node} (${process.execPath})\n` +
      'Try: install a current Node, or start it with one: /path/to/node hubspot-outbox ...\n',
  );
  process.exitCode = 2;
} else {
  startWithSmallHeap();
  // What was compiled is kept between runs: a start is mostly the loading of modules.
  const { enableCompileCache } = await import('node:module');
  if (enableCompileCache) enableCompileCache();
  await import('../dist/src/cli.js');
}

/**
 * What lives in a worker is about 30 MB, whatever waits, but V8 lets its heap grow to several times that before it
 * collects, and glibc keeps an arena for each of its threads. Both is decided as a process starts, so this one begins
 * again: it stays one process with one id. Neither is a limit.
 */
function startWithSmallHeap() {
  const flags = ['--max-semi-space-size=4', '--heap-growing-percent=20'];
  const hasBegunAgain = flags.every((flag) => process.execArgv.includes(flag));
  if (hasBegunAgain || !process.argv.includes('run')) return;
  if (process.execve === undefined || process.platform === 'win32') return;
  const args = [process.execPath, ...process.execArgv, ...flags, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { MALLOC_ARENA_MAX: '2', ...process.env });
}
