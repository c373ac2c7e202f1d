import { type Command, InvalidArgumentError, Option } from 'commander';
import { ConfigurationError } from '../errors.ts';

type Given = {
  port: number;
  plan: 'free' | 'starter' | 'pro' | 'enterprise' | 'unlimited';
  latency: number;
  token: string;
  json?: boolean;
};

export function addSandboxCommand(program: Command): void {
  program
    .command('sandbox')
    .description('a HubSpot on this machine, to try things on; it forgets everything when it stops')
    .option('--port <port>', '0 picks a free one', port, 8090)
    .addOption(
      new Option('--plan <plan>', 'whose limits it has')
        .choices(['free', 'starter', 'pro', 'enterprise', 'unlimited'])
        .default('pro'),
    )
    .option('--latency <ms>', 'how long each call takes', wholeNumber, 0)
    .option('--token <token>', 'the access token it takes', token, 'pat-sandbox')
    .option('--json', 'say where it listens as JSON')
    .action(run);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(`expected a whole number, got ${text}`);
  return Number(text);
}

function port(text: string): number {
  const number = wholeNumber(text);
  if (number > 65_535) throw new InvalidArgumentError(`expected a port, 0 to 65535, got ${text}`);
  return number;
}

function token(text: string): string {
  if (!/^[!-~]+$/.test(text)) throw new InvalidArgumentError('expected a token of printable characters without spaces');
  return text;
}

async function run(given: Given): Promise<void> {
  const sandbox = await start(given);
  const { plan, token, json } = given;
  const told = new Promise<void>((stop) => {
    process.once('SIGINT', () => stop()).once('SIGTERM', () => stop());
  });
  // Whoever reads this may tell it to stop at once.
  if (json) process.stdout.write(`${JSON.stringify({ url: sandbox.url, token })}\n`);
  else process.stdout.write(welcome(sandbox.url, plan, token));
  await told;
  await sandbox.close();
}

async function start({ port, plan, latency, token }: Given) {
  const { startSandbox } = await import('../sandbox/server.ts');
  try {
    return await startSandbox({ port, plan, latencyMs: latency, token });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = {
      EADDRINUSE: `something listens on port ${port} of 127.0.0.1 already`,
      EACCES: `port ${port} is not for this user to listen on`,
    }[code ?? ''];
    if (what === undefined) throw cause;
    const remedy = 'hubspot-outbox sandbox --port 0, which picks a free one';
    throw new ConfigurationError(what, { code: 'PORT', remedy, cause });
  }
}

function welcome(url: string, plan: string, token: string): string {
  return `A sandbox HubSpot (${plan}) listens. For the worker, set
  HUBSPOT_BASE_URL=${url}
  HUBSPOT_ACCESS_TOKEN=${token}
See what it holds:            curl ${url}/__sandbox/records/contacts
See what else it can do:      curl ${url}/
Ctrl-C stops it.
`;
}
