import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnvironment, requireToken } from '../../src/config/environment.ts';
import { connectionOf } from '../../src/database/connect.ts';
import { ConfigurationError } from '../../src/errors.ts';

const DATABASE_URL = 'mysql://u:p@localhost/shop';

/** Variables that are wrong, with the message of each. */
function problemsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    readEnvironment(env);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map(({ where, message }) => `${where} ${message}`);
  }
  return [];
}

describe('the environment', () => {
  const home = process.cwd();
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hubspot-outbox-test-'));
    process.chdir(folder);
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  });

  it('has defaults for all but the database', () => {
    expect(readEnvironment({ DATABASE_URL })).toEqual({
      databaseUrl: DATABASE_URL,
      hubspotAccessToken: undefined,
      hubspotBaseUrl: 'https://api.hubapi.com',
      redisUrl: undefined,
      logLevel: 'info',
      httpHost: '127.0.0.1',
      httpPort: 8080,
    });
  });

  it('is read as it is set', () => {
    const given = {
      DATABASE_URL: 'mariadb://u@[::1]:3307/shop?ssl-mode=REQUIRED',
      HUBSPOT_ACCESS_TOKEN: 'pat-na1-1',
      HUBSPOT_BASE_URL: 'http://127.0.0.1:8090//',
      REDIS_URL: 'rediss://r:6380',
      LOG_LEVEL: 'debug',
      HTTP_HOST: '0.0.0.0',
      HTTP_PORT: '0',
    };
    expect(readEnvironment(given)).toEqual({
      databaseUrl: given.DATABASE_URL,
      hubspotAccessToken: 'pat-na1-1',
      hubspotBaseUrl: 'http://127.0.0.1:8090',
      redisUrl: 'rediss://r:6380',
      logLevel: 'debug',
      httpHost: '0.0.0.0',
      httpPort: 0,
    });
  });

  it('takes a variable that is set to nothing as not set', () => {
    const nothing = {
      HUBSPOT_ACCESS_TOKEN: '',
      HUBSPOT_BASE_URL: '',
      REDIS_URL: '',
      LOG_LEVEL: '',
      HTTP_HOST: '',
      HTTP_PORT: '',
    };
    expect(readEnvironment({ DATABASE_URL, ...nothing })).toEqual(readEnvironment({ DATABASE_URL }));
  });

  it('stands above a .env file, variable by variable', () => {
    writeFileSync('.env', `# ours\nDATABASE_URL="${DATABASE_URL}"\nLOG_LEVEL=warn\nHUBSPOT_ACCESS_TOKEN=pat-file\n`);
    expect(readEnvironment({})).toMatchObject({
      databaseUrl: DATABASE_URL,
      logLevel: 'warn',
      hubspotAccessToken: 'pat-file',
    });
    expect(readEnvironment({ LOG_LEVEL: 'error' })).toMatchObject({
      logLevel: 'error',
      hubspotAccessToken: 'pat-file',
    });
    expect(process.env.HUBSPOT_ACCESS_TOKEN).toBeUndefined();
  });

  it('does without a .env file, and with a folder of that name', () => {
    mkdirSync('.env');
    expect(readEnvironment({ DATABASE_URL }).logLevel).toBe('info');
  });

  const wrong: [name: string, value: string, says: string][] = [
    ['HUBSPOT_ACCESS_TOKEN', 'pat-1\n', 'holds a blank, a line break or a character no key has'],
    ['HUBSPOT_BASE_URL', 'api.hubapi.com', 'expected a URL like https://api.hubapi.com'],
    ['REDIS_URL', 'http://r', 'expected a URL like redis://127.0.0.1:6379'],
    ['LOG_LEVEL', 'wran', 'got "wran"; did you mean warn?'],
    ['HTTP_PORT', '65536', 'expected a port, 0 to 65535 (0 picks a free one), got "65536"'],
    ['HTTP_PORT', '8e3', 'expected a port'],
  ];
  it.each(wrong)('refuses %s=%j', (name, value, says) => {
    const [problem, ...more] = problemsOf({ DATABASE_URL, [name]: value });
    expect(problem).toContain(`${name} `);
    expect(problem).toContain(says);
    expect(more).toEqual([]);
  });

  it('is told whole when several variables are wrong', () => {
    expect(problemsOf(Object.fromEntries(wrong.map(([name, value]) => [name, value])))).toHaveLength(6);
  });

  it('keeps a token that was given, and asks for one that was not', () => {
    const environment = readEnvironment({ DATABASE_URL, HUBSPOT_ACCESS_TOKEN: 'pat-1' });
    expect(requireToken(environment)).toBe('pat-1');
    expect(() => requireToken({ ...environment, hubspotAccessToken: undefined })).toThrow('HUBSPOT_ACCESS_TOKEN');
  });
});

describe('a DATABASE_URL', () => {
  // An @ or a : too early, a / or a # leads the rest of a password into another part of the URL.
  const password = fc.string({
    unit: fc.constantFrom('@', ':', '/', '#', '?', '%', '&', '=', 'a', '7', 'ü'),
    minLength: 1,
  });
  const SECRET = 'Xs3cr3tX';

  it('gives user, password and database as they were percent-encoded', () => {
    fc.assert(
      fc.property(password, password, password, (user, secret, database) => {
        const url = `mysql://${[user, secret].map(encodeURIComponent).join(':')}@h:3307/${encodeURIComponent(database)}`;
        expect(problemsOf({ DATABASE_URL: url })).toEqual([]);
        expect(connectionOf(url)).toMatchObject({ host: 'h', port: 3307, user, password: secret, database });
      }),
      { seed: 20261128, numRuns: 500 },
    );
  });

  it('never shows a part of the password, however it is mistyped', () => {
    fc.assert(
      fc.property(password, password, (before, after) => {
        const problems = problemsOf({ DATABASE_URL: `mysql://u:${before}${SECRET}${after}@h/shop` });
        expect(problems.join('\n')).not.toMatch(new RegExp(SECRET, 'i'));
      }),
      { seed: 20261128, numRuns: 1_500 },
    );
  });

  it('is reached at the host it names, or refused: a mistyped password is no host', () => {
    fc.assert(
      fc.property(password, password, (before, after) => {
        const url = `mysql://u:${before}${SECRET}${after}@h/shop`;
        fc.pre(problemsOf({ DATABASE_URL: url }).length === 0);
        expect(new URL(url)).toMatchObject({ hostname: 'h', pathname: '/shop' });
      }),
      { seed: 20261128, numRuns: 1_500 },
    );
  });
});
