import type { Command } from 'commander';
import type { AdminClient } from '../admin/admin-client.ts';
import type { BotReport } from '../admin/wire.ts';
import { awaitOutcome, type BotOutcome } from './await-outcome.ts';
import { EXIT } from './exit-code.ts';
import { summaryOf } from './ls.ts';
import { formatSpan } from './terminal/age.ts';
import { errStyle, note, outStyle, print, printJson } from './terminal/output.ts';
import { asCalledHere } from './terminal/own-name.ts';
import { plainLine } from './terminal/plain-text.ts';
import { paintState, type Style } from './terminal/style.ts';
import {
  addClientOptions,
  type ClientFlags,
  connectTo,
  durationOf,
  forBot,
  type Outcome,
  onInterrupt,
} from './verb.ts';

interface BotCommandFlags extends ClientFlags {
  /** A duration; false after `--no-wait`. */
  readonly wait: string | false;
  readonly json?: true;
}

/** A verb that asks something of one bot and shows what came of it: `restart` and `reset`. */
export function addBotCommand(
  program: Command,
  outcome: Outcome,
  verb: { readonly name: 'restart' | 'reset'; readonly description: string; readonly help: string },
): void {
  const command = program
    .command(`${verb.name} <bot>`)
    .description(verb.description)
    .option('--wait <duration>', 'longest wait for what comes of it', '1m')
    .option('--no-wait', 'only ask for it')
    .option('--json', 'as JSON: what `ls --json` gives for this bot')
    .addHelpText('after', verb.help)
    .action(async (botId: string, flags: BotCommandFlags) => {
      const waitMs = flags.wait === false ? null : durationOf('--wait', flags.wait);
      const client = await connectTo(flags);
      const { bot: before } = await forBot(client, botId, () => client.why(botId));
      await client[verb.name](botId);
      if (waitMs === null) {
        if (flags.json === true) printJson(summaryOf(before));
        else print(`${verb.name} of ${plainLine(botId)} requested\n`);
        return;
      }
      onInterrupt(
        `Not waiting any longer; the ${verb.name} goes on. npx the0-runtime why ${plainLine(botId)} tells what comes of it.`,
      );
      if (flags.json !== true)
        note(errStyle.paint('dim', `${verb.name} of ${plainLine(botId)} requested, waiting …\n`));
      outcome.exitCode = await showOutcome(client, before, waitMs, flags.json === true);
    });
  addClientOptions(command);
}

async function showOutcome(client: AdminClient, before: BotReport, waitMs: number, json: boolean): Promise<number> {
  const outcome = await awaitOutcome(client, before, waitMs);
  if (json) printJson(summaryOf(outcome.bot));
  else print(asCalledHere(sentenceOf(outcome, waitMs, outStyle)));
  return outcome.bot.state === 'running' && outcome.ended === null ? EXIT.done : EXIT.failed;
}

function sentenceOf({ bot, ended }: BotOutcome, waitMs: number, style: Style): string {
  if (ended !== null && bot.state !== 'blocked') {
    const id = plainLine(bot.id);
    const what = style.paint('yellow', 'was started and ended again');
    return `${style.paint('bold', id)} ${what}: ${plainLine(ended.text)}\n${plainLine(ended.advice)}\nnpx the0-runtime why ${id} tells what becomes of it.\n`;
  }
  const state = paintState(style, plainLine(bot.state));
  const moving = ['waiting', 'starting', 'stopping'].includes(bot.state) ? ` still, after ${formatSpan(waitMs)}` : '';
  const advice = bot.state === 'running' || bot.reason.advice === '' ? '' : `\n${plainLine(bot.reason.advice)}`;
  return `${style.paint('bold', plainLine(bot.id))} is ${state}${moving}: ${plainLine(bot.reason.text)}${advice}\n`;
}
