import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { AdminClient } from '../admin/admin-client.ts';
import { RuntimeUnreachable } from '../admin/admin-errors.ts';
import { EXIT } from './exit-code.ts';
import { countOf } from './terminal/banner.ts';
import { errStyle, note, print, printJson } from './terminal/output.ts';
import { plainLine } from './terminal/plain-text.ts';
import { addClientOptions, type ClientFlags, connectTo, durationOf, type Outcome, onInterrupt } from './verb.ts';

const PROGRESS_MS = 1000;
/** From the last bot's end to the runtime's own. */
const GOODBYE_MS = 10_000;

export function addDown(program: Command, outcome: Outcome): void {
  const command = program
    .command('down')
    .description('stop all bots, then the runtime')
    .option('--wait <duration>', 'longest wait for all bots to stop', '5m')
    .option('--json', 'as JSON: {stopped, failed: [ids]}')
    .addHelpText(
      'after',
      `
Every bot gets SIGTERM and its usual time to end. State and logs stay.
Exit code 1 when a bot could not be stopped, 2 when there is no runtime to stop.

Examples:
  $ npx the0-runtime down`,
    )
    .action(async (flags: ClientFlags & { wait: string; json?: true }) => {
      const waitMs = durationOf('--wait', flags.wait);
      const client = await connectTo(flags);
      const bots = await client.bots();
      const running = bots.filter(isUp).length;
      onInterrupt('Not waiting any longer; the runtime goes on stopping its bots.');
      if (flags.json !== true) note(errStyle.paint('dim', `stopping ${countOf(bots.length)} …\n`));

      const progress = new AbortController();
      if (flags.json !== true) void showProgress(client, running, progress.signal);
      const { stopped, failed } = await client.down(waitMs).finally(() => progress.abort());
      const gone = await runtimeIsGone(client);

      outcome.exitCode = failed.length === 0 && gone ? EXIT.done : EXIT.failed;
      if (flags.json === true) printJson({ stopped, failed });
      else print(`${countOf(stopped)} stopped${gone ? '; the runtime has ended' : ''}\n`);
      if (failed.length > 0)
        note(`${errStyle.paint('red', 'error:')} not stopped: ${failed.map(plainLine).join(', ')}\n`);
      if (!gone) note(`${errStyle.paint('red', 'error:')} the runtime still answers after ${GOODBYE_MS / 1000} s\n`);
    });
  addClientOptions(command);
}

function isUp({ state }: { readonly state: string }): boolean {
  return state === 'running' || state === 'starting' || state === 'stopping';
}

async function showProgress(client: AdminClient, total: number, signal: AbortSignal): Promise<void> {
  try {
    for (let shown = total; ; ) {
      await delay(PROGRESS_MS, undefined, { signal });
      const left = (await client.bots()).filter(isUp).length;
      if (left !== shown && !signal.aborted) note(errStyle.paint('dim', `${countOf(left)} still running …\n`));
      shown = left;
    }
  } catch {
    // The runtime has gone, or the count is no longer wanted; the reply to `down` is what counts.
  }
}

async function runtimeIsGone(client: AdminClient): Promise<boolean> {
  for (const end = performance.now() + GOODBYE_MS; performance.now() < end; ) {
    try {
      await client.overview();
    } catch (error) {
      if (error instanceof RuntimeUnreachable) return true;
      throw error;
    }
    await delay(50);
  }
  return false;
}
