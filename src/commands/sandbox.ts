import { type Command, InvalidArgumentError, Option } from 'commander';

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
    .option('--token <token>', 'the access token it takes', 'pat-sandbox')
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

async function run({ port, plan, latency, token, json }: Given): Promise<void> {
  const { startSandbox } = await import('../sandbox/server.ts');
  const sandbox = await startSandbox({ port, plan, latencyMs: latency, token });
  if (json) process.stdout.write(`${JSON.stringify({ url: sandbox.url, token })}\n`);
  else {
    process.stdout.write(
      `A sandbox HubSpot (${plan}) listens. For the worker, set\n  HUBSPOT_BASE_URL=${sandbox.url}\n  HUBSPOT_ACCESS_TOKEN=${token}\nSee what it holds: ${sandbox.url}/__sandbox/records/contacts\nCtrl-C stops it.\n`,
    );
  }
  await new Promise<void>((stopped) => {
    process.once('SIGINT', () => stopped()).once('SIGTERM', () => stopped());
  });
  await sandbox.close();
}
