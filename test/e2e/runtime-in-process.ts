import { UP } from '../../src/commands/roles.ts';
import { type Runtime, type RuntimeReporter, startRuntime } from '../../src/commands/runtime.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import type { QueryFrontEnd } from '../../src/query/query-front-end.ts';
import type { RuntimeFolders } from './runtime-under-test.ts';

export type RuntimeInProcess = Runtime & { readonly frontEnd: QueryFrontEnd; readonly queryUrl: string };

/** The real runtime inside this process, so that faults can be injected into its threads. */
export async function startInProcess(
  engine: 'process' | 'docker',
  folders: RuntimeFolders,
  flags: Readonly<Record<string, string>> = {},
  reporter: Partial<RuntimeReporter> = {},
): Promise<RuntimeInProcess> {
  const { settings } = loadSettings(process.env, {
    engine,
    bots: folders.botsDir,
    'data-dir': folders.dataDir,
    'query-port': '0',
    ...flags,
  });
  const silent = { transition: () => {}, warn: () => {}, ended: () => {}, failed: () => {} };
  const runtime = await startRuntime(settings, UP, { ...silent, ...reporter });
  const { frontEnd, queryUrl } = runtime;
  if (frontEnd === null || queryUrl === null) throw new Error('`up` answers queries');
  return Object.assign(runtime, { frontEnd, queryUrl });
}
