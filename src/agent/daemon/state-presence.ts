import { setTimeout as sleep } from 'node:timers/promises';
import { holdsState } from '../state/restore.ts';
import { readSession } from '../state/restore-state.ts';
import type { SyncSettings } from '../sync/bot-sync.ts';
import { sessionFile } from '../sync/sync-settings.ts';

/**
 * Waits until the state directory holds what the bot has, and no part of it: its agent is still bringing it there, and an
 * empty directory is not yet the bot's doing (contract 12.3 #39).
 * @returns the incarnation it belongs to; null when there is none by the time the signal has come
 */
export async function findState(
  settings: SyncSettings,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number | null> {
  for (;;) {
    // Also once when the signal has come: a bot may be done sooner than somebody looks.
    const hasEnded = signal.aborted;
    const incarnation = presentState(settings, env);
    if (incarnation !== null || hasEnded) return incarnation;
    await sleep(settings.limits.statePollMs, undefined, { signal }).catch(() => undefined);
  }
}

function presentState(settings: SyncSettings, env: Readonly<Record<string, string | undefined>>): number | null {
  const session = readSession(sessionFile(settings));
  // An agent of another make leaves no note.
  if (session === null) return holdsState(settings.statePath) ? settings.incarnation : null;
  return env['THE0_INCARNATION'] === undefined || session >= settings.incarnation ? session : null;
}
