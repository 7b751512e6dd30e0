/**
 * Words of this folder: a *verb* is one command of the CLI, in a file of its own. Verbs that talk to a running runtime do so
 * over its admin socket; only `up` builds one. What is slow to load is loaded by the verb that needs it.
 */
import process from 'node:process';
import { Command, Help } from 'commander';
import { addDeploy } from './deploy.ts';
import { addDown } from './down.ts';
import { addGc } from './gc.ts';
import { addLogs } from './logs.ts';
import { addLs } from './ls.ts';
import { addQuery } from './query.ts';
import { addReset } from './reset.ts';
import { addRestart } from './restart.ts';
import { addServices, SERVICE_NAMES } from './service-commands.ts';
import { addSettings } from './settings.ts';
import { HELP_LAYOUT } from './terminal/help-layout.ts';
import { asCalledHere } from './terminal/own-name.ts';
import { addUp } from './up-command.ts';
import type { Outcome } from './verb.ts';
import { addVersion } from './version.ts';
import { NAME, VERSION } from './version-number.ts';
import { addWhy } from './why.ts';

/** @param words of the command line; those that name `up` or `deploy` load their many flags */
export async function createProgram(words: readonly string[]): Promise<{ program: Command; outcome: Outcome }> {
  const outcome: Outcome = { exitCode: 0 };
  const program = new Command(NAME)
    .description('Keeps bots alive: runs them, restarts them when they crash, and answers queries to them.')
    .usage('<command> [options]')
    .helpOption('-h, --help', 'show help')
    .configureOutput({
      writeOut: (text) => process.stdout.write(asCalledHere(text)),
      writeErr: (text) => process.stderr.write(asCalledHere(text)),
    })
    .configureHelp({ ...HELP_LAYOUT, showGlobalOptions: false, subcommandTerm: termOf })
    .showSuggestionAfterError()
    .showHelpAfterError('(npx the0-runtime --help shows all commands)')
    .version(`${NAME} ${VERSION}`, '--version', 'show name and version')
    .addHelpText(
      'after',
      `
Examples:
  $ npm start                                   run the example bots here
  $ npm start -- --engine docker                the same in Docker containers
  $ npx the0-runtime ls                         what runs, and why
  $ npx the0-runtime why flaky-scalper          everything about one bot
  $ npx the0-runtime query price-alerts /price  ask a bot

Commands find the runtime through ./.the0/admin.sock; elsewhere say
--data-dir <its data directory>, --admin <its socket>, or set THE0_ADMIN.
Exit codes: 0 done, 1 failed, 2 the runtime cannot be reached.`,
    );
  program.commandsGroup('Run:');
  const tableFor = async (verb: string) =>
    words.includes(verb) ? (await import('../config/settings.ts')).allSettings() : [];
  addUp(program, outcome, await tableFor('up'));
  addDown(program, outcome);
  addDeploy(program, outcome, await tableFor('deploy'));
  program.commandsGroup('Services, with bots from MongoDB:');
  const serviceTables = new Map(
    await Promise.all(SERVICE_NAMES.map(async (name) => [name, await tableFor(name)] as const)),
  );
  addServices(program, outcome, (name) => serviceTables.get(name) ?? []);
  addGc(program, outcome, await tableFor('gc'));
  program.commandsGroup('Look:');
  addLs(program, outcome);
  addWhy(program, outcome);
  addLogs(program, outcome);
  addQuery(program, outcome);
  program.commandsGroup('Act:');
  addRestart(program, outcome);
  addReset(program, outcome);
  program.commandsGroup('About:');
  addSettings(program, outcome);
  addVersion(program, outcome);
  program.helpCommand('help [command]', 'show help for a command');
  for (const command of program.commands) command.showHelpAfterError(whereToLook(command.name()));
  return { program, outcome };
}

/** `why <bot>`: that every verb has options needs no word, and the room goes to what it does. */
function termOf(command: Command): string {
  return new Help().subcommandTerm(command).replace(' [options]', '');
}

/** What an error in the words after a verb ends with. */
function whereToLook(verb: string): string {
  // npm keeps flags for itself: of `npm start --engine docker`, only `docker` arrives here.
  return verb === 'up' && process.env['npm_lifecycle_event'] === 'start'
    ? '(npm start -- --help shows all flags; they come after the two dashes: npm start -- --engine docker)'
    : `(npx the0-runtime ${verb} --help shows how it is used)`;
}
