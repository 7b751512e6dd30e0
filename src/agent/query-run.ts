import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError, messageOf } from './agent-error.ts';
import { queryCommand } from './bot-command.ts';
import { environmentForBot } from './bot-environment.ts';
import { fetchFiles, prepareEntrypoint } from './bot-files.ts';
import { runBot } from './bot-run.ts';
import { OutputLog } from './output-log.ts';
import { NotedProcesses } from './process-notes.ts';
import { failedRun, type RunContext, type RunEnd } from './run-context.ts';

const CODE_POLL_MS = 200;
/** Fixed by the SDKs (contract 8.6). */
const RESULT_DIRECTORY = '/query';

/** One question (contract 6.7): the query program runs once and leaves its answer in `/query/result.json`. */
export async function executeQuery(context: RunContext, path: string): Promise<RunEnd> {
  const { settings } = context;
  return runQueryProgram({ ...context, env: { ...context.env, QUERY_PATH: path } }, async () => {
    if (settings.queryResultKey !== null) {
      throw new AgentError(
        'bot-exited',
        'QUERY_RESULT_KEY asks for the result in an object store, and none is configured',
        {
          exitCode: 1,
        },
      );
    }
    await fetchFiles(context);
    try {
      mkdirSync(RESULT_DIRECTORY, { recursive: true });
    } catch (error) {
      throw new AgentError('bot-exited', `cannot make ${RESULT_DIRECTORY}: ${messageOf(error)}`, { exitCode: 1 });
    }
    return settings.queryEntrypoint ?? settings.entrypoint;
  });
}

/** Only the query server, in the foreground (contract 6.8); the code may be brought by a neighbour container. */
export async function executeQueryServer(context: RunContext): Promise<RunEnd> {
  const { settings, stop } = context;
  return runQueryProgram(context, async () => {
    if (settings.queryEntrypoint === null) {
      throw new AgentError('environment-incomplete', 'QUERY_ENTRYPOINT environment variable is required', {
        variable: 'QUERY_ENTRYPOINT',
      });
    }
    const file = join(settings.codePath, settings.queryEntrypoint);
    const giveUpAt = performance.now() + settings.limits.codeWaitMs;
    while (settings.codeSource === null && !existsSync(file) && !stop.requested && performance.now() < giveUpAt) {
      await delay(CODE_POLL_MS);
    }
    await fetchFiles(context);
    return settings.queryEntrypoint;
  });
}

/** @param prepare says which file to run, once everything is in its place */
async function runQueryProgram(context: RunContext, prepare: () => Promise<string>): Promise<RunEnd> {
  const { settings, tee, mask } = context;
  const log = new OutputLog(join(settings.logsPath, 'query.log'), tee, settings.limits);
  for (const warning of settings.warnings) log.note('warn', warning);
  try {
    const entrypoint = await prepare();
    const command = queryCommand(settings, entrypoint);
    prepareEntrypoint(command, entrypoint);
    const environment = environmentForBot(context.env, settings);
    const noted = new NotedProcesses(settings.processNotes, (error) => {
      log.note('warn', `cannot note which processes run: ${messageOf(error)}`);
    });
    return await runBot(context, { command, environment, log, noted, queryServer: null });
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    log.note('error', mask(error.message));
    return failedRun(error, mask);
  } finally {
    await log.close(settings.limits.flushMs);
  }
}
