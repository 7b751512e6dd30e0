import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AgentError, messageOf } from './agent-error.ts';
import { fetchCode, prepareEntrypoint } from './bot-code.ts';
import { botCommand } from './bot-command.ts';
import { environmentForBot } from './bot-environment.ts';
import { startQueryServer } from './bot-query-server.ts';
import { runBot } from './bot-run.ts';
import { OutputLog } from './output-log.ts';
import { NotedProcesses } from './process-notes.ts';
import { failedRun, type RunContext, type RunEnd, STOPPED_BEFORE_START } from './run-context.ts';

/**
 * Runs one bot from start to end (contract 6.2):
 *
 *   code ─► entry point ─► logs ─► query server + bot ─► running
 *
 *   running ─► the bot ended ───────────────────────────────┐
 *   running ─► stop ─► SIGTERM to its group ─► it ended ────┼─► rest of its group killed ─► query server ended
 *                          └─ grace over: SIGKILL ─► ended ─┘        ─► logs written ─► exit code and last words
 */
export async function execute(context: RunContext, options: { readonly queryServer: boolean }): Promise<RunEnd> {
  const { settings, tee } = context;
  const { limits } = settings;
  const log = new OutputLog(join(settings.logsPath, 'bot.log'), tee, limits);
  for (const warning of settings.warnings) log.note('warn', warning);
  try {
    await fetchCode(context);
    if (context.stop.requested) return STOPPED_BEFORE_START;
    const command = botCommand(settings, settings.entrypoint);
    prepareEntrypoint(command, settings.entrypoint);
    const environment = environmentForBot(context.env, settings);
    const noted = new NotedProcesses(settings.processNotes, (error) => {
      log.note('warn', `cannot note which processes run: ${messageOf(error)}`);
    });
    // The query server first: it is what somebody may be waiting for.
    const queryServer = options.queryServer ? startQueryServer(context, { environment, botLog: log, noted }) : null;
    const end = await runBot(context, { command, environment, log, noted, queryServer });
    if (settings.scheduled) writeDoneFile(settings.logsPath, end.exitCode, log);
    return end;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    log.note('error', context.mask(error.message));
    return failedRun(error, context.mask);
  } finally {
    await log.close(limits.flushMs);
  }
}

/** Contract 6.2, step 11: beside the logs, so `/var/the0/done`. That it cannot be written does not change how the bot ended. */
function writeDoneFile(logsPath: string, exitCode: number, log: OutputLog): void {
  const file = join(dirname(logsPath), 'done');
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, String(exitCode), { mode: 0o644 });
  } catch (error) {
    log.note('error', `cannot write ${file}: ${messageOf(error)}`);
  }
}
