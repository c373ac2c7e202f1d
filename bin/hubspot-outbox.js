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
  // What was compiled is kept between runs: a start is mostly the loading of modules.
  const { enableCompileCache } = await import('node:module');
  if (enableCompileCache) enableCompileCache();
  await import('../dist/src/cli.js');
}
