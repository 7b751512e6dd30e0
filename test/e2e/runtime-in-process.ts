import { type Runtime, type RuntimeReporter, startRuntime } from '../../src/commands/runtime.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import type { RuntimeFolders } from './runtime-under-test.ts';

/** The real runtime inside this process, so that faults can be injected into its threads. */
export async function startInProcess(
  engine: 'process' | 'docker',
  folders: RuntimeFolders,
  flags: Readonly<Record<string, string>> = {},
  reporter: Partial<RuntimeReporter> = {},
): Promise<Runtime> {
  const { settings } = loadSettings(process.env, {
    engine,
    bots: folders.botsDir,
    'data-dir': folders.dataDir,
    'query-port': '0',
    ...flags,
  });
  return await startRuntime(settings, { transition: () => {}, warn: () => {}, ended: () => {}, ...reporter });
}
