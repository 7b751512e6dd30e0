import type { Command } from 'commander';
import type { BotReply, BotReport } from '../admin/wire.ts';
import { summaryOf } from './ls.ts';
import { formatAge, formatMomentInZone, formatSpan } from './terminal/age.ts';
import { outStyle, print, printJson } from './terminal/output.ts';
import { plainLine } from './terminal/plain-text.ts';
import { paintSeverity, paintState, type Style } from './terminal/style.ts';
import { wrapText } from './terminal/text-width.ts';
import { timelineTable } from './terminal/timeline.ts';
import {
  addClientOptions,
  type ClientFlags,
  connectTo,
  countOrAll,
  forBot,
  noteTroubles,
  type Outcome,
} from './verb.ts';

export function addWhy(program: Command, _outcome: Outcome): void {
  const command = program
    .command('why <bot>')
    .description('explain one bot: its state, the cause, what to do, and what happened before')
    .option('--history <count>', 'how many of the last changes of its state; `all` for all that are known', '15')
    .option(
      '--json',
      'as JSON: what `ls --json` gives, with the reason in full, retryAt, nextRunAt, queryable, outdated, conditions and timeline',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ npx the0-runtime why flaky-scalper
  $ npx the0-runtime why flaky-scalper --json | jq -r '.timeline[] | .at + " " + .reason.code'`,
    )
    .action(async (botId: string, flags: ClientFlags & { history: string; json?: true }) => {
      const mostEntries = countOrAll('--history', flags.history);
      const client = await connectTo(flags);
      const [overview, reply] = await Promise.all([client.overview(), forBot(client, botId, () => client.why(botId))]);
      noteTroubles(overview.troubles);
      if (flags.json === true) printJson(explanationOf(reply));
      else print(explain(reply, mostEntries, outStyle, Date.now()));
    });
  addClientOptions(command);
}

/**
 * The public shape of `why --json`. Times are ISO 8601 in UTC; the timeline is newest last. `conditions`, each with `code`,
 * `message` and `since`, is null when the agent could not be asked.
 */
function explanationOf({ bot, timeline, conditions, conditionsUnknown }: BotReply) {
  const { retryAt, nextRunAt, queryable, outdated } = bot;
  const known = conditionsUnknown === null ? conditions : null;
  return {
    ...summaryOf(bot),
    reason: bot.reason,
    retryAt,
    nextRunAt,
    queryable,
    outdated,
    conditions: known,
    timeline,
  };
}

const LABEL_COLUMNS = 10;

function explain(
  { bot, timeline, conditions, conditionsUnknown }: BotReply,
  mostEntries: number,
  style: Style,
  nowMs: number,
): string {
  const { reason } = bot;
  const sinceMs = Date.parse(bot.since);
  const state = paintState(style, plainLine(bot.state));
  const head = `${style.paint('bold', plainLine(bot.id))}  ${state}  since ${formatMomentInZone(sinceMs, nowMs)} (${formatAge(sinceMs, nowMs)})`;

  const lines = [head, ''];
  const say = (label: string, text: string, paint: (line: string) => string = (line) => line) => {
    const [first = '', ...more] = wrapText(plainLine(text), Math.max(30, style.width - LABEL_COLUMNS));
    lines.push(style.paint('dim', label.padEnd(LABEL_COLUMNS)) + paint(first));
    for (const line of more) lines.push(' '.repeat(LABEL_COLUMNS) + paint(line));
  };
  say('why', reason.text, (line) => paintSeverity(style, reason.severity, line));
  // Where nothing is wrong there is nobody to name.
  if (reason.severity === 'info') say('code', reason.code);
  else say('cause', causeOf(bot));
  if (reason.advice !== '') say('to do', reason.advice);
  if (bot.nextRunAt !== null) say('next run', formatMomentInZone(Date.parse(bot.nextRunAt), nowMs));
  if (bot.retryAt !== null) say('retry', retrySentence(Date.parse(bot.retryAt), nowMs));
  if (bot.type !== 'scheduled') {
    say(
      'restarts',
      bot.restarts === 0 ? 'none after a crash' : `${bot.restarts} after a crash, since it was first seen`,
    );
  }
  if (bot.endpoint !== null) say('queries', `answered on ${bot.endpoint}`);
  else if (bot.queryable && bot.state !== 'blocked')
    say('queries', 'answered on request: its query program is started for them');
  else if (!bot.queryable && bot.state !== 'blocked') say('queries', 'none: the bot names no query entry point');
  for (const { code, message, since } of conditions) {
    const told = `${message} (${code}, since ${formatMomentInZone(Date.parse(since), nowMs)})`;
    say('but', told, (line) => paintSeverity(style, 'warning', line));
  }
  if (conditionsUnknown !== null) say('but', conditionsUnknown, (line) => paintSeverity(style, 'warning', line));
  if (bot.outdated) say('outdated', 'it runs with older settings of the runtime (image, limits); `restart` renews it');

  return `${lines.join('\n')}\n\n${timelineTable(timeline, mostEntries, style, nowMs)}`;
}

const ORIGINS: Readonly<Record<string, string>> = {
  bot: 'the bot itself',
  platform: 'the runtime or its host',
  dependency: 'something the bot needs to run',
  operator: 'a person',
};

function causeOf({ reason }: BotReport): string {
  const tried: Readonly<Record<string, string>> = {
    auto: ', tried again by itself',
    blocked: ', waits for a change of the bot or for `reset`',
  };
  return `${ORIGINS[reason.origin] ?? reason.origin} (${reason.code})${tried[reason.retry] ?? ''}`;
}

function retrySentence(retryAtMs: number, nowMs: number): string {
  return retryAtMs - nowMs < 1000
    ? 'now'
    : `in ${formatSpan(retryAtMs - nowMs)}, at ${formatMomentInZone(retryAtMs, nowMs)}`;
}
