import type { LastWords } from '../../actors/observation.ts';
import type { BotCommand } from './bot-command.ts';
import { causeOfExit, StderrTail } from './exit-cause.ts';
import type { OutputLog } from './output-log.ts';
import { type ProcessExit, ProcessGroup, type StartFailure } from './process-group.ts';
import type { NotedProcesses } from './process-notes.ts';
import type { QueryServer } from './query-server.ts';
import { errorInResultFile } from './result-file.ts';
import type { RunContext, RunEnd } from './run-context.ts';

/** Contract 6.2, step 10: ended by a signal, by whomever. */
const EXIT_CODE_OF_SIGNAL = 255;

export interface BotParts {
  readonly command: BotCommand;
  readonly environment: Readonly<Record<string, string>>;
  readonly log: OutputLog;
  readonly noted: NotedProcesses;
  readonly queryServer: QueryServer | null;
}

/** Starts the bot (or a query program), waits for its end, however it comes, and cleans up behind it. */
export async function runBot(context: RunContext, parts: BotParts): Promise<RunEnd> {
  const { settings, stop } = context;
  const { limits } = settings;
  const startedAt = Date.now();
  const stderr = new StderrTail();
  const bot = new ProcessGroup({
    ...parts.command,
    cwd: settings.codePath,
    env: parts.environment,
    drainMs: limits.drainMs,
    onOutput: (stream, chunk) => {
      parts.log.receive(stream, chunk);
      if (stream === 'stderr') stderr.push(chunk);
    },
  });
  parts.noted.note('bot', bot.pid);
  const stopping = endOnRequest(context, bot);
  const exit = await bot.ended;
  stopping.over();
  parts.noted.note('bot', null);
  parts.log.endLines();

  await parts.queryServer?.stop(stop.requested ? limits.queryStopGraceMs : limits.queryCrashGraceMs);
  parts.noted.note('query', null);

  if (exit.kind === 'failed') {
    parts.log.note('error', context.mask(`Failed to start process: ${exit.message}`));
    return { exitCode: 1, lastWords: startFailed(exit, parts.command, context) };
  }
  return { exitCode: exitCodeOf(exit), lastWords: stopping.lastWords(exit) ?? causeOf(exit) };

  function causeOf(ended: ProcessExit): LastWords {
    return causeOfExit(ended, stderr.lines(), errorInResultFile(settings.codePath, startedAt), context.mask);
  }
}

/** Turns a stop into SIGTERM, and after its grace into SIGKILL, for the whole process group. */
function endOnRequest({ stop }: RunContext, bot: ProcessGroup) {
  let kill: NodeJS.Timeout | undefined;
  let asked = false;
  let killedAfterMs: number | null = null;
  const forget = stop.onRequest((graceMs) => {
    if (!asked) bot.signal('SIGTERM');
    asked = true;
    clearTimeout(kill);
    kill = setTimeout(() => {
      killedAfterMs = Math.round(graceMs);
      bot.signal('SIGKILL');
    }, graceMs);
  });
  return {
    over(): void {
      clearTimeout(kill);
      forget();
    },
    lastWords(exit: ProcessExit): LastWords | null {
      if (killedAfterMs !== null) return { the0: 1, code: 'killed-after-grace', facts: { graceMs: killedAfterMs } };
      if (!asked) return null;
      const facts = exit.kind === 'code' ? { exitCode: exit.code } : { signal: exit.signal };
      return { the0: 1, code: 'stopped', facts };
    },
  };
}

function startFailed(failure: StartFailure, command: BotCommand, { mask }: RunContext): LastWords {
  if (failure.reason === 'ENOENT' && !command.compiled) {
    return { the0: 1, code: 'program-missing', facts: { program: command.program } };
  }
  return { the0: 1, code: 'bot-import-failed', facts: { detail: mask(failure.message) } };
}

function exitCodeOf(exit: ProcessExit | StartFailure): number {
  if (exit.kind === 'failed') return 1;
  return exit.kind === 'code' ? exit.code : EXIT_CODE_OF_SIGNAL;
}
