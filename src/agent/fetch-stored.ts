import { StoreError, type StoreTrouble } from '../storage/object-store.ts';
import { AgentError, messageOf } from './agent-error.ts';
import type { AgentSettings } from './agent-settings.ts';
import { type Restored, restoreState } from './state/restore-state.ts';
import { stateLimits } from './state/state-limits.ts';
import { storeRetry } from './store-retry.ts';
import { type AgentStore, fetchStoredCode } from './stored-code.ts';
import { statePlace } from './sync/sync-settings.ts';

/** Brings what `CODE_FILE` names; nothing, when the bot has no stored code. @throws AgentError */
export async function fetchCodeFile(
  store: AgentStore,
  { codeFile, codePath, limits }: Pick<AgentSettings, 'codeFile' | 'codePath' | 'limits'>,
): Promise<void> {
  if (codeFile === null) return;
  await fetchStoredCode(store, { key: codeFile, codePath, limits });
}

export interface StateToFetch
  extends Pick<AgentSettings, 'botId' | 'statePath' | 'incarnation' | 'limits' | 'stateBytes' | 'stateFileBytes'> {
  readonly sessionFile: string | null;
}

/** @throws AgentError: the bot must not start without a state that may exist */
export async function fetchStoredState({ store, buckets }: AgentStore, settings: StateToFetch): Promise<Restored> {
  const place = statePlace(buckets, settings.botId);
  try {
    return await restoreState({
      store,
      place,
      epoch: settings.incarnation,
      directory: settings.statePath,
      sessionFile: settings.sessionFile,
      limits: stateLimits(settings.limits, settings.stateBytes, settings.stateFileBytes),
      retry: storeRetry(settings.limits),
    });
  } catch (error) {
    const detail = messageOf(error);
    const path = `${place.bucket}/${place.key}`;
    switch (troubleIn(error)) {
      case 'denied':
        throw new AgentError('store-denied', `${detail}; check the credentials`, { path, detail }, { cause: error });
      case 'busy':
      case 'unreachable':
        throw new AgentError('store-unreachable', detail, { detail }, { cause: error });
      default:
        throw new AgentError('state-unreadable', detail, { detail }, { cause: error });
    }
  }
}

function troubleIn(error: unknown): StoreTrouble | null {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof StoreError ? cause.trouble : null;
}
