import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigurationError, type Problem } from '../errors.ts';
import { didYouMean } from './checker.ts';

export type Environment = {
  /** mysql://user:password@host:port/database?… Secret. */
  databaseUrl: string;
  /** Secret; only commands that call HubSpot need it. */
  hubspotAccessToken: string | undefined;
  hubspotBaseUrl: string;
  redisUrl: string | undefined;
  logLevel: string;
  httpHost: string;
  /** 0 picks a free one. */
  httpPort: number;
};

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/**
 * Reads the environment and, below it, `.env` of the working folder.
 * @throws ConfigurationError with every problem at once; no value that may be secret stands in it
 */
export function readEnvironment(real: NodeJS.ProcessEnv = process.env): Environment {
  const env = { ...dotEnv(), ...real };
  const problems: Problem[] = [];
  const environment = {
    databaseUrl: databaseUrl(env.DATABASE_URL, problems),
    hubspotAccessToken: token(env.HUBSPOT_ACCESS_TOKEN, problems),
    hubspotBaseUrl: webUrl('HUBSPOT_BASE_URL', env.HUBSPOT_BASE_URL || 'https://api.hubapi.com', problems),
    redisUrl: redisUrl(env.REDIS_URL, problems),
    logLevel: logLevel(env.LOG_LEVEL || 'info', problems),
    httpHost: env.HTTP_HOST || '127.0.0.1',
    httpPort: port(env.HTTP_PORT || '8080', problems),
  };
  if (problems.length > 0) {
    throw new ConfigurationError('the environment is not as it should be', {
      code: 'ENVIRONMENT',
      problems,
      remedy: 'set these variables, or write them into a file named .env in the working folder',
    });
  }
  return environment;
}

/** @throws ConfigurationError when there is no HubSpot token */
export function requireToken({ hubspotAccessToken }: Environment): string {
  if (hubspotAccessToken !== undefined) return hubspotAccessToken;
  throw new ConfigurationError('HUBSPOT_ACCESS_TOKEN is not set, and this command calls HubSpot', {
    code: 'NO_TOKEN',
    remedy:
      'in HubSpot, Settings → Integrations → Service Keys, create a key with read and write scopes for your objects, and set HUBSPOT_ACCESS_TOKEN to it. To try without HubSpot: hubspot-outbox sandbox',
  });
}

function dotEnv(): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync('.env', 'utf8'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // A folder of that name is somebody's virtual environment.
    if (code === 'ENOENT' || code === 'EISDIR') return {};
    throw new ConfigurationError(`cannot read .env: ${code}`, { code: 'ENVIRONMENT', cause });
  }
}

const URL_PARAMETERS = ['ssl-mode', 'ssl-ca'];

function databaseUrl(text: string | undefined, problems: Problem[]): string {
  const where = 'DATABASE_URL';
  const fix = 'mysql://user:password@host:3306/database; characters like @ : / # in the password are percent-encoded';
  const fail = (message: string) => problems.push({ where, message, fix });
  if (text === undefined || text === '') {
    fail('is not set');
    return '';
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  const fault = url === null ? 'is not a URL' : urlFault(url);
  if (fault !== null) fail(fault);
  else
    for (const name of unknownParameters(url)) problems.push({ where, message: `has the unknown parameter ${name}` });
  return text;
}

/** What stands in a URL that is read otherwise than it was meant may be a part of the password: it is not shown. */
function urlFault({ protocol, hostname, username, pathname, search, hash }: URL): string | null {
  if (!['mysql:', 'mariadb:'].includes(protocol)) return 'expected it to begin with mysql:// or mariadb://';
  if (/[@#]/.test(pathname + search + hash))
    return 'has an @ or # after the host, as when / ? or # in the password is not percent-encoded (%2F, %3F, %23)';
  if (hostname === '') return 'names no host';
  if (username === '') return 'names no user before the host';
  return pathname.length < 2 ? 'names no database after the host' : null;
}

function unknownParameters(url: URL | null): string[] {
  return [...new Set(url?.searchParams.keys())]
    .filter((name) => !URL_PARAMETERS.includes(name))
    .map((name) => `${name}${didYouMean(name, URL_PARAMETERS) || `; expected ${URL_PARAMETERS.join(' or ')}`}`);
}

/** A key goes into a header as it is; a line break at its end comes from a file. */
function token(text: string | undefined, problems: Problem[]): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^[\x21-\x7e]+$/.test(text)) {
    problems.push({ where: 'HUBSPOT_ACCESS_TOKEN', message: 'holds a blank, a line break or a character no key has' });
  }
  return text;
}

function webUrl(where: string, text: string, problems: Problem[]): string {
  const isWeb = URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
  if (!isWeb) problems.push({ where, message: 'expected a URL like https://api.hubapi.com' });
  return text.replace(/\/+$/, '');
}

function redisUrl(text: string | undefined, problems: Problem[]): string | undefined {
  if (text === undefined || text === '') return undefined;
  const isRedis = URL.canParse(text) && ['redis:', 'rediss:'].includes(new URL(text).protocol);
  if (!isRedis) problems.push({ where: 'REDIS_URL', message: 'expected a URL like redis://127.0.0.1:6379' });
  return text;
}

function logLevel(text: string, problems: Problem[]): string {
  if (!LOG_LEVELS.includes(text)) {
    problems.push({
      where: 'LOG_LEVEL',
      message: `expected one of ${LOG_LEVELS.join(', ')}, got ${JSON.stringify(text)}${didYouMean(text, LOG_LEVELS)}`,
    });
  }
  return text;
}

function port(text: string, problems: Problem[]): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) {
    problems.push({
      where: 'HTTP_PORT',
      message: `expected a port, 0 to 65535 (0 picks a free one), got ${JSON.stringify(text)}`,
    });
  }
  return number;
}
