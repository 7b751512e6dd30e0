import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DaemonSyncArguments } from '../agent-arguments.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import { logLine } from '../agent-line.ts';
import { readStoreSettings } from '../agent-settings.ts';
import { requireStore } from '../open-store.ts';
import { BotSync, type SyncSettings } from '../sync/bot-sync.ts';
import { openLiveLog } from '../sync/open-sync.ts';
import { superseded } from '../sync/superseded.ts';
import { LogTail } from './log-tail.ts';
import { serveReadiness } from './readiness.ts';
import { findState } from './state-presence.ts';

/**
 * Keeps state and log of a bot in the store that runs beside it, in another container on the same volumes (contract 7), until
 * a signal comes or the bot's done file is there; then once more, and ends.
 * @throws AgentError
 */
export async function daemonSync(args: DaemonSyncArguments, secrets: ReadonlyMap<string, string>): Promise<void> {
  const { botId, statePath, logsPath, doneFile, readinessPort } = args;
  const end = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => end.abort());
  const readiness = readinessPort === 0 ? null : await serveReadiness(readinessPort);
  const settings = settingsFor(args);
  const store = await requireStore(secrets, process.env, settings.limits);
  makeDirectories([statePath, logsPath, ...(doneFile === null ? [] : [dirname(doneFile)])]);

  const note = (level: 'info' | 'warn', message: string) => process.stderr.write(logLine(level, message));
  let isSuperseded = false;
  const onSuperseded = () => {
    isSuperseded = true;
    end.abort();
  };
  const sync = new BotSync({ store, settings, leaders: () => [], note, onSuperseded });
  const live = openLiveLog({ secrets, env: process.env, botId, limits: settings.limits, note });
  const onTailTrouble = (message: string | null) =>
    note(message === null ? 'info' : 'warn', message ?? 'the live log is back');
  const tail =
    live &&
    new LogTail({
      path: join(logsPath, 'bot.log'),
      pollMs: settings.limits.logTailPollMs,
      onBlock: (block) => live.receive(block),
      onTrouble: onTailTrouble,
    });
  const doneCheck = setInterval(() => {
    if (doneFile !== null && existsSync(doneFile)) end.abort();
  }, settings.limits.donePollMs);
  readiness?.ready();

  const incarnation = await findState(settings, process.env, end.signal);
  if (incarnation !== null) await sync.beginState({ kind: 'kept' }, incarnation);
  await ended(end.signal);
  clearInterval(doneCheck);
  await sync.finishState();
  await sync.finishLogs();
  tail?.close();
  await live?.close(settings.limits.flushMs);
  readiness?.close();
  if (isSuperseded) throw superseded();
}

function settingsFor({ botId, statePath, logsPath, intervalMs }: DaemonSyncArguments): SyncSettings {
  const settings = readStoreSettings(process.env);
  return { ...settings, botId, statePath, logsPath, limits: { ...settings.limits, stateSweepMs: intervalMs } };
}

function makeDirectories(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o755 });
    } catch (error) {
      const detail = `${path} cannot be made: ${messageOf(error)}`;
      throw new AgentError('state-unreadable', detail, { detail });
    }
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
