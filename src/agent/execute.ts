import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AgentError, messageOf } from './agent-error.ts';
import { logLine } from './agent-line.ts';
import { botCommand } from './bot-command.ts';
import { environmentForBot } from './bot-environment.ts';
import { prepareEntrypoint } from './bot-files.ts';
import { startQueryServer } from './bot-query-server.ts';
import { type BotParts, runBot } from './bot-run.ts';
import { OutputLog } from './output-log.ts';
import { NotedProcesses } from './process-notes.ts';
import { failedRun, type RunContext, type RunEnd, STOPPED_BEFORE_START } from './run-context.ts';
import type { Restored } from './state/restore-state.ts';
import { Companion } from './sync/companion.ts';

export interface ExecuteOptions {
  readonly queryServer: boolean;
  /** False: somebody else (`daemon sync`) stores state and log. */
  readonly sync: boolean;
}

/**
 * Runs one bot from start to end (contract 6.2):
 *
 *   code and state ─► entry point ─► logs ─► query server + bot ─► running
 *
 *   running ─► the bot ended ───────────────────────────────┐
 *   running ─► stop ─► SIGTERM to its group ─► it ended ────┼─► rest of its group killed ─► query server ended
 *                          └─ grace over: SIGKILL ─► ended ─┘        ─► state stored ─► logs written and stored
 *                                                                    ─► exit code and last words
 *
 * @param files code and state on their way (`fetchFiles`)
 */
export async function execute(
  context: RunContext,
  files: Promise<Restored | null>,
  options: ExecuteOptions,
): Promise<RunEnd> {
  const { settings, tee } = context;
  const { limits } = settings;
  const log = new OutputLog(join(settings.logsPath, 'bot.log'), tee, limits);
  for (const warning of settings.warnings) log.note('warn', warning);
  const companion = options.sync ? new Companion(context, log) : null;
  let end: RunEnd = STOPPED_BEFORE_START;
  try {
    await companion?.open();
    const restored = await files;
    await companion?.begin(restored);
    if (context.stop.requested) return end;
    const parts = prepareRun(context, log, options);
    end = await runBot(context, { ...parts, log });
  } catch (error) {
    // What is still on its way must not outlive the last words.
    context.stop.request(0);
    await files.catch(() => undefined);
    if (!(error instanceof AgentError)) throw error;
    log.note('error', context.mask(error.message));
    end = failedRun(error, context.mask);
  } finally {
    const closeLog = () => log.close(limits.flushMs);
    await (companion === null ? closeLog() : companion.finish(closeLog));
  }
  // Last, for whoever waits for it takes log and state as they are then.
  if (settings.scheduled) writeDoneFile(settings.logsPath, end.exitCode);
  return companion?.endOf(end) ?? end;
}

/** Everything but the bot itself. @throws AgentError */
function prepareRun(context: RunContext, log: OutputLog, options: ExecuteOptions): Omit<BotParts, 'log'> {
  const { settings } = context;
  const command = botCommand(settings, settings.entrypoint);
  prepareEntrypoint(command, settings.entrypoint);
  const environment = environmentForBot(context.env, settings);
  const noted = new NotedProcesses(settings.processNotes, (error) => {
    log.note('warn', `cannot note which processes run: ${messageOf(error)}`);
  });
  // The query server first: it is what somebody may be waiting for.
  const queryServer = options.queryServer ? startQueryServer(context, { environment, botLog: log, noted }) : null;
  return { command, environment, noted, queryServer };
}

/** Contract 6.2, step 11: beside the logs, so `/var/the0/done`. That it cannot be written does not change how the bot ended. */
function writeDoneFile(logsPath: string, exitCode: number): void {
  const file = join(dirname(logsPath), 'done');
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, String(exitCode), { mode: 0o644 });
  } catch (error) {
    process.stderr.write(logLine('error', `cannot write ${file}: ${messageOf(error)}`));
  }
}
