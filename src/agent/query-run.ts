import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../storage/monotonic-clock.ts';
import { AgentError, messageOf } from './agent-error.ts';
import { logLine } from './agent-line.ts';
import { queryCommand } from './bot-command.ts';
import { environmentForBot } from './bot-environment.ts';
import { fetchFiles, prepareEntrypoint } from './bot-files.ts';
import { runBot } from './bot-run.ts';
import { namesStore, requireStore } from './open-store.ts';
import { OutputLog } from './output-log.ts';
import { NotedProcesses } from './process-notes.ts';
import { failedRun, type RunContext, type RunEnd } from './run-context.ts';
import { copyState } from './state-copy.ts';

/**
 * One question (contract 6.7): the query program runs once and leaves its answer in a file, which goes to the object store
 * when `QUERY_RESULT_KEY` says where. What it does to its copy of the state is lost.
 */
export async function executeQuery(context: RunContext, path: string): Promise<RunEnd> {
  const { settings, secrets, env, mask } = context;
  const key = settings.queryResultKey;
  if (key !== null && !namesStore(secrets, env)) {
    const message = 'QUERY_RESULT_KEY asks for the result in an object store, and none is configured';
    process.stderr.write(logLine('error', message));
    return failedRun(new AgentError('environment-incomplete', message, { variable: 'MINIO_ENDPOINT' }), mask);
  }
  const end = await runQueryProgram({ ...context, env: { ...env, QUERY_PATH: path } }, async () => {
    await fetchFiles(context, 'copy');
    const { stateSource, statePath, stateBytes, queryResultFile } = settings;
    if (stateSource !== null) await copyState(stateSource, statePath, stateBytes);
    const directory = dirname(queryResultFile);
    try {
      mkdirSync(directory, { recursive: true });
    } catch (error) {
      throw new AgentError('bot-exited', `cannot make ${directory}: ${messageOf(error)}`, { exitCode: 1 });
    }
    return settings.queryEntrypoint ?? settings.entrypoint;
  });
  return key === null ? end : await storeResult(context, key, end);
}

/** Whatever the program's exit code was (contract 6.7). */
async function storeResult(context: RunContext, key: string, end: RunEnd): Promise<RunEnd> {
  const { secrets, env, mask } = context;
  try {
    const { uploadQueryResult } = await import('./query-result.ts');
    await uploadQueryResult(
      await requireStore(secrets, env, context.settings.limits),
      key,
      context.settings.queryResultFile,
    );
    return end;
  } catch (error) {
    const message = mask(`the result of the query cannot be stored: ${messageOf(error)}`);
    process.stderr.write(logLine('error', message));
    return { exitCode: 1, lastWords: { the0: 1, code: 'bot-exited', facts: { exitCode: 1, detail: message } } };
  }
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
    const giveUpAt = monotonicMs() + settings.limits.codeWaitMs;
    while (settings.codeSource === null && !existsSync(file) && !stop.requested && monotonicMs() < giveUpAt) {
      await delay(settings.limits.codePollMs);
    }
    // Who has brought the code brings the state as well: two of them in one directory would spoil it.
    if (settings.codeSource !== null || !existsSync(file)) await fetchFiles(context, 'copy');
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
