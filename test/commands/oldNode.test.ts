import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/hubspot-outbox.js', import.meta.url));
const needed = /"node": ">=(\d+)"/.exec(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))?.[1];

/** A Node of this machine that is too old, which the path may lead to. */
const old = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .find((file) => {
    const version = /^v(\d+)\./.exec(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
    return version !== undefined && Number(version) < Number(needed);
  });

/** The same file, told that it runs on another Node: its `process` is one of ours. */
function runAs(version: string) {
  const text = readFileSync(bin, 'utf8').replace(/^#!.*/, '');
  const process_ = `const process = { versions: { node: '${version}' }, execPath: '/opt/node', argv: [], execArgv: [], stderr: globalThis.process.stderr,
    set exitCode(code) { globalThis.process.exitCode = code; } };`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', process_ + text], { encoding: 'utf8' });
}

describe('an old Node', () => {
  it.skipIf(old === undefined)('gets one error and a remedy instead of a stack trace', () => {
    const { status, stdout, stderr } = spawnSync(String(old), [bin, 'status'], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(
      /^Error: hubspot-outbox needs Node 22 or later, and this is Node \d+\.\d+\.\d+ \(.*\)\nTry: .*\n$/,
    );
  });

  it.each(['14.21.3', '18.20.4', '20.19.0', '21.7.3'])('is refused: %s', (version) => {
    const { status, stdout, stderr } = runAs(version);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      `Error: hubspot-outbox needs Node ${needed} or later, and this is Node ${version} (/opt/node)\n` +
        'Try: install a current Node, or start it with one: /path/to/node hubspot-outbox ...\n',
    );
  });

  it.each(['22.0.0', '24.21.0', '100.0.0'])('is not what %s is: the program itself is started', (version) => {
    const { status, stderr } = runAs(version);
    expect(status).not.toBe(2);
    // From here its file cannot be found, which shows that it is looked for.
    expect(stderr).toContain('dist/src/cli.js');
    expect(stderr).not.toContain('needs Node');
  });
});
