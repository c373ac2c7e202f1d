import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

type Locked = { dev?: boolean; devOptional?: boolean; hasInstallScript?: boolean; integrity?: string; link?: boolean };

const lock = readFileSync(`${root}/package-lock.json`, 'utf8');
const locked = Object.entries((JSON.parse(lock) as { packages: Record<string, Locked> }).packages);
const inProduction = locked.filter(([path, { dev }]) => path !== '' && dev !== true);

it('runs no script of anybody when it is installed', () => {
  expect(inProduction.length).toBeGreaterThan(20);
  expect(inProduction.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path)).toEqual(
    [],
  );
  const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { scripts: Record<string, string> };
  const own = Object.keys(scripts).filter((name) =>
    /^(pre|post)?(install|prepare|publish|pack)|^prepublishOnly$/.test(name),
  );
  expect(own).toEqual([]);
});

it('locks every package by its content, and to no registry', () => {
  expect(
    locked.filter(([path, { integrity, link }]) => path !== '' && !integrity && !link).map(([path]) => path),
  ).toEqual([]);
  expect(lock).not.toContain('"resolved"');
  expect(lock).not.toMatch(/git\+|file:/);
});

it('asks of whoever installs it only for packages that it imports', () => {
  const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const src = readdirSync(`${root}/src`, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  const code = src.map((path) => textOf(`src/${path}`)).join('\n');
  const isImported = (name: string) =>
    ['from ', 'import('].some((before) => ["'", '/'].some((after) => code.includes(`${before}'${name}${after}`)));
  expect(Object.keys(dependencies).filter((name) => !isImported(name))).toEqual([]);
});

it('packs only what runs', () => {
  const out = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' });
  const [packed] = JSON.parse(out) as { files: { path: string }[] }[];
  const paths = packed?.files.map(({ path }) => path) ?? [];
  // The same as in .ci/run, which looks at the real archive after a build.
  const runs =
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/.*|dist\/(src|migrations)\/.*\.js|triggers\/.*\.sql|examples\/hubspot-outbox\.yaml)$/;
  expect(paths.filter((path) => !runs.test(path))).toEqual([]);
  expect(paths).toEqual(expect.arrayContaining(['package.json', 'bin/hubspot-outbox.js', 'triggers/mark.sql']));
});

const SECRETS: Readonly<Record<string, RegExp>> = {
  'a HubSpot key': /\bpat-[a-z]{2,4}\d?-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/i,
  'a HubSpot API key': /\bhapikey=[0-9a-f-]{36}\b/i,
  'a private key': /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/,
  'an access key of AWS': /\bAKIA[0-9A-Z]{16}\b/,
  'a token of GitHub, npm or Slack':
    /\b(?:gh[pousr]_[A-Za-z0-9]{36}|npm_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{20,})\b/,
  'a bearer token': /\bBearer [A-Za-z0-9_.-]{24,}\b/,
};

it.each(Object.entries(SECRETS))('holds nowhere what looks like %s', (_, pattern) => {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const paths = files.split('\0').filter((path) => path !== '');
  expect(paths.length).toBeGreaterThan(100);
  expect(paths.filter((path) => pattern.test(textOf(path)))).toEqual([]);
});

/** A file may be gone that git still lists. */
function textOf(path: string): string {
  try {
    return readFileSync(`${root}/${path}`, 'utf8');
  } catch {
    return '';
  }
}
