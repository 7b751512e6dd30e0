import { once } from 'node:events';
import type { Command } from 'commander';
import { harmlessLines } from './terminal/harmless-lines.ts';
import { addClientOptions, type ClientFlags, connectTo, countOrAll, forBot, type Outcome } from './verb.ts';

interface LogsFlags extends ClientFlags {
  readonly follow?: true;
  readonly lines: string;
  readonly raw?: true;
}

export function addLogs(program: Command, _outcome: Outcome): void {
  const command = program
    .command('logs <bot>')
    .description("show a bot's log: what it wrote to its output")
    .option('-f, --follow', 'go on with new lines until Ctrl-C')
    .option('-n, --lines <count>', 'how many of the last lines; `all` for all there are', '100')
    .option('--raw', 'on a terminal too, print the bytes as the bot wrote them (colours and other control sequences)')
    .addHelpText(
      'after',
      `
On a terminal control sequences are left out, because a bot could use them to
play tricks on it. In a pipe the log comes byte for byte.

The log of a bot from the object store that runs in a container is read from
the store, where its agent writes it every few seconds.

Examples:
  $ npx the0-runtime logs price-alerts
  $ npx the0-runtime logs price-alerts -f -n 10
  $ npx the0-runtime logs price-alerts -n all | grep alert`,
    )
    .action(async (botId: string, flags: LogsFlags) => {
      const lines = countOrAll('--lines', flags.lines);
      const client = await connectTo(flags);
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      const follow = flags.follow === true;
      const chunks = await forBot(client, botId, () => client.logs(botId, { lines, follow, signal: stop.signal }));
      const visible = process.stdout.isTTY && flags.raw !== true ? harmlessLines(chunks) : chunks;
      for await (const chunk of visible) {
        if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
      }
    });
  addClientOptions(command);
}
