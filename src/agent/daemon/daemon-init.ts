import { mkdirSync } from 'node:fs';
import type { AgentArguments } from '../agent-arguments.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import { readStoreSettings } from '../agent-settings.ts';
import { fetchCodeFile, fetchStoredState } from '../fetch-stored.ts';
import { requireStore } from '../open-store.ts';
import { superseded } from '../sync/superseded.ts';

/**
 * Brings code and state to their places and ends (contract 7.6). Unlike there, a state that exists and cannot be read is an
 * error: a bot that starts without it would store an empty one.
 * @throws AgentError
 */
export async function daemonInit(
  { botId, codePath, statePath, codeFile }: Extract<AgentArguments, { command: 'daemon init' }>,
  secrets: ReadonlyMap<string, string>,
): Promise<void> {
  const settings = readStoreSettings(process.env);
  const store = await requireStore(secrets, process.env, settings.limits);
  try {
    mkdirSync(codePath, { recursive: true });
  } catch (error) {
    const detail = `${codePath} cannot be made: ${messageOf(error)}`;
    throw new AgentError('code-unavailable', detail, { detail });
  }
  await fetchCodeFile(store, { codeFile, codePath, limits: settings.limits });
  const restored = await fetchStoredState(store, { ...settings, botId, statePath, sessionFile: null });
  store.store.close();
  if (restored.kind === 'superseded') throw superseded();
}
