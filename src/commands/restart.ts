import type { Command } from 'commander';
import { addBotCommand } from './bot-command.ts';
import type { Outcome } from './verb.ts';

export function addRestart(program: Command, outcome: Outcome): void {
  addBotCommand(program, outcome, {
    name: 'restart',
    description: 'stop a bot and start it anew, then show what came of it',
    help: `
The bot gets SIGTERM and its usual time to end (--stop-grace of the runtime).
Its state stays. A scheduled bot is run once now.
Exit code 0 when it runs again and goes on to, 1 when it does not.

Examples:
  $ npx the0-runtime restart grid-trader
  $ npx the0-runtime restart grid-trader --no-wait`,
  });
}
