import { Command, CommanderError } from 'commander';
import { addBackfillCommand } from './commands/backfill.ts';
import { addGrantsCommand } from './commands/grants.ts';
import { addMigrateCommand } from './commands/migrate.ts';
import { addPoisonCommand } from './commands/poison.ts';
import { printError } from './commands/printError.ts';
import { addResumeCommand } from './commands/resume.ts';
import { addOnceCommand, addRunCommand } from './commands/run.ts';
import { addSandboxCommand } from './commands/sandbox.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTriggersCommand } from './commands/triggers.ts';
import { version } from './version.ts';

const program = new Command('hubspot-outbox')
  .description('Keeps HubSpot equal to what one SELECT says about a MySQL or MariaDB application.')
  .version(version())
  .option('--config <file>', 'the mapping file', 'hubspot-outbox.yaml')
  .showHelpAfterError('Try: hubspot-outbox --help')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /i, 'Error: ')) })
  .exitOverride();

// Each module declares its command and loads what it runs only when it runs, so that --help stays instant.
addMigrateCommand(program);
addGrantsCommand(program);
addTriggersCommand(program);
addBackfillCommand(program);
addRunCommand(program);
addOnceCommand(program);
addStatusCommand(program);
addPoisonCommand(program);
addResumeCommand(program);
addSandboxCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own message by now; help and version end with code 0, wrong usage is 2.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else process.exitCode = printError(error);
}
