import { join } from 'node:path';
import { AgentError } from './agent-error.ts';
import { queryCommand } from './bot-command.ts';
import { prepareEntrypoint } from './bot-files.ts';
import { lastMeaningfulLine, StderrTail } from './exit-cause.ts';
import { OutputLog } from './output-log.ts';
import { type ProcessExit, ProcessGroup, type StartFailure } from './process-group.ts';
import type { NotedProcesses } from './process-notes.ts';
import { QueryServer } from './query-server.ts';
import type { RunContext } from './run-context.ts';

export interface QueryServerParts {
  readonly environment: Readonly<Record<string, string>>;
  readonly botLog: OutputLog;
  readonly noted: NotedProcesses;
}

/**
 * Starts a realtime bot's query server; null when it has none, or when its file is missing (said in the bot's log: the
 * bot itself can run without).
 *
 * What it writes goes to `query.log` beside `bot.log`, and to the agent's own output. Not into `bot.log`, which others read
 * as the bot's own words (contract 6.2, step 7); there stands only that it ended and why.
 */
export function startQueryServer(context: RunContext, parts: QueryServerParts): QueryServer | null {
  const { settings, mask, tee } = context;
  const entrypoint = settings.queryEntrypoint;
  if (!settings.realtime || entrypoint === null) return null;
  const command = queryCommand(settings, entrypoint);
  try {
    prepareEntrypoint(command, entrypoint);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    parts.botLog.note('error', mask(`the bot answers no queries: ${error.message}`));
    return null;
  }
  const log = new OutputLog(join(settings.logsPath, 'query.log'), tee, settings.limits);
  let tail = new StderrTail();
  return new QueryServer({
    limits: settings.limits,
    start: () => {
      tail = new StderrTail();
      const group = new ProcessGroup({
        ...command,
        cwd: settings.codePath,
        env: parts.environment,
        drainMs: settings.limits.drainMs,
        onOutput: (stream, chunk) => {
          log.receive(stream, chunk);
          if (stream === 'stderr') tail.push(chunk);
        },
      });
      parts.noted.note('query', group.pid);
      return group;
    },
    onEnded: (exit, restartDelayMs) => {
      parts.noted.note('query', null);
      log.endLines();
      const cause = lastMeaningfulLine(tail.lines()) ?? 'no message';
      parts.botLog.note(
        'warn',
        mask(`the query server ${endText(exit)}: ${cause}; starting it again in ${restartDelayMs} ms`),
      );
    },
    onStopped: () => log.close(settings.limits.flushMs),
  });
}

function endText(exit: ProcessExit | StartFailure): string {
  if (exit.kind === 'failed') return `could not be started (${exit.message})`;
  return exit.kind === 'code' ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
}
