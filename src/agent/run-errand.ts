import { mkdirSync } from 'node:fs';
import { readSettings } from './agent-settings.ts';
import { DONE_LINE, errorLine } from './errand-answer.ts';
import { openStore } from './open-store.ts';
import { LAUNCHED, STATE_TASKS } from './prepare-errand.ts';
import { restoredLines } from './state/restored-lines.ts';
import { sessionFile } from './sync/sync-settings.ts';

/** The errand itself (prepare-errand.ts). @returns the exit code */
export async function runErrand(tasks: readonly string[], secrets: ReadonlyMap<string, string>): Promise<number> {
  if (!tasks.includes(LAUNCHED)) process.stdin.once('end', () => process.exit(1)).resume();
  try {
    const settings = readSettings(process.env);
    const store = await openStore(secrets, process.env, settings.limits);
    if (store === null) throw new Error('there is no object store');
    const { fetchCodeFile, fetchStoredState } = await import('./fetch-stored.ts');
    // A note about the state goes there, and the agent, which keeps its log there, may not have come as far.
    mkdirSync(settings.logsPath, { recursive: true });
    // Both at once: a bot waits for them.
    const state = tasks.includes(STATE_TASKS.own)
      ? fetchStoredState(store, { ...settings, sessionFile: sessionFile(settings) })
      : tasks.includes(STATE_TASKS.copy)
        ? fetchStoredState(store, { ...settings, incarnation: Number.MAX_SAFE_INTEGER, sessionFile: null })
        : null;
    state?.catch(() => undefined); // Said where it is awaited.
    if (tasks.includes('code')) await fetchCodeFile(store, settings);
    if (state !== null) for (const line of restoredLines(await state)) await write(line);
    await write(DONE_LINE);
    return 0;
  } catch (error) {
    await write(errorLine(error));
    return 1;
  }
}

function write(line: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(line, () => resolve()));
}
