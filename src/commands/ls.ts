import type { Command } from 'commander';
import type { BotReport } from '../admin/wire.ts';
import { formatAge } from './terminal/age.ts';
import { outStyle, print, printJson } from './terminal/output.ts';
import { plainLine } from './terminal/plain-text.ts';
import { paintState, type Style } from './terminal/style.ts';
import { renderTable } from './terminal/table.ts';
import { addClientOptions, type ClientFlags, connectTo, noteTroubles, type Outcome } from './verb.ts';

export function addLs(program: Command, _outcome: Outcome): void {
  const command = program
    .command('ls')
    .description('list all bots: their state, and why they are in it')
    .option('--json', 'as JSON: [{id, type, state, reason: {code, text}, restarts, since, endpoint}]')
    .addHelpText(
      'after',
      `
STATE is running, starting, stopping, or
  idle         scheduled, until its next run
  waiting      for something it needs, or for its turn to start
  backing-off  it ended by itself, and will be started again
  blocked      needs a change by you
  stopped      disabled
RESTARTS counts how often it ended by itself since the runtime first saw it,
with an error or without. Edits, \`restart\` and restarts of the runtime do not
count, nor do runs of a scheduled bot.
(outdated) has a container with older settings or image; \`restart\` renews it.

Examples:
  $ npx the0-runtime ls
  $ npx the0-runtime ls --json | jq -r '.[] | select(.state != "running") | .id'`,
    )
    .action(async (flags: ClientFlags & { json?: true }) => {
      const client = await connectTo(flags);
      const [overview, bots] = await Promise.all([client.overview(), client.bots()]);
      noteTroubles(overview.troubles, overview.ignored);
      if (flags.json === true) printJson(bots.map(summaryOf));
      else if (bots.length === 0)
        print('No bots yet. Put a folder with a bot.json into the folder of bots: it is seen at once.\n');
      else print(botTable(bots, outStyle, Date.now()));
    });
  addClientOptions(command);
}

/** The public shape of `ls --json`. `since` is ISO 8601 in UTC. */
export function summaryOf({ id, type, state, reason, restarts, since, endpoint }: BotReport) {
  return { id, type, state, reason: { code: reason.code, text: reason.text }, restarts, since, endpoint };
}

/** Below this the room of QUERY goes to WHY; `why` names the address too. */
const NARROW_COLUMNS = 110;

export function botTable(bots: readonly BotReport[], style: Style, nowMs: number): string {
  const narrow = style.width < NARROW_COLUMNS;
  const rows = bots.map((bot) => [
    { text: plainLine(bot.id) },
    { text: plainLine(bot.state), paint: (text: string) => paintState(style, text) },
    { text: formatAge(Date.parse(bot.since), nowMs) },
    { text: bot.type === 'scheduled' ? '-' : String(bot.restarts) },
    ...(narrow ? [] : [{ text: queriesOf(bot) }]),
    { text: `${bot.outdated ? '(outdated) ' : ''}${plainLine(bot.reason.text)}` },
  ]);
  return renderTable(style, ['ID', 'STATE', 'SINCE', 'RESTARTS', ...(narrow ? [] : ['QUERY']), 'WHY'], rows);
}

/** Where its query server is; who has none at the moment is asked by starting its query program (contract 8.2). */
function queriesOf({ endpoint, queryable, state }: BotReport): string {
  if (endpoint !== null) return plainLine(endpoint);
  return queryable && state !== 'blocked' ? 'on request' : '-';
}
