import type { Command } from 'commander';
import { addBotCommand } from './bot-command.ts';
import type { Outcome } from './verb.ts';

export function addReset(program: Command, outcome: Outcome): void {
  addBotCommand(program, outcome, {
    name: 'reset',
    description: 'try a blocked or backing-off bot again now, as if it had never failed',
    help: `
Clears the pause after crashes, and a block. Deletes nothing; a bot that runs is
left alone.
Exit code 0 when it runs, 1 when it does not.

Examples:
  $ npx the0-runtime reset flaky-scalper`,
  });
}
