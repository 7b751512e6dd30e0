import { setTimeout as sleep } from 'node:timers/promises';
import { holdsState } from '../state/restore.ts';
import { readSession } from '../state/restore-state.ts';
import type { SyncSettings } from '../sync/bot-sync.ts';
import { sessionFile } from '../sync/sync-settings.ts';

const POLL_MS = 200;

/**
 * Waits until the state directory holds what the bot has, and no part of it: its agent is still bringing it there, and an
 * empty directory is not yet the bot's doing (contract 12.3 #39).
 * @returns the incarnation it belongs to; null when the signal came first
 */
export async function findState(
  settings: SyncSettings,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number | null> {
  while (!signal.aborted) {
    const session = readSession(sessionFile(settings));
    const isKnown = session !== null && (env['THE0_INCARNATION'] === undefined || session >= settings.incarnation);
    if (isKnown) return session;
    // An agent of another make leaves no note.
    if (session === null && holdsState(settings.statePath)) return settings.incarnation;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  return null;
}
