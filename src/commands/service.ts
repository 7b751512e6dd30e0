import type { Settings } from '../config/settings.ts';
import { EndOfRun, tellOfDefect } from './end-of-run.ts';
import { EXIT } from './exit-code.ts';
import type { Role } from './roles.ts';
import { type Runtime, startRuntime } from './runtime.ts';
import { tellTroubles } from './tell-troubles.ts';
import { sentencesOf } from './terminal/error-sentences.ts';
import { ServiceLog } from './terminal/service-log.ts';
import { VERSION } from './version-number.ts';

/** How long the last lines may take to get out. */
const FLUSH_MS = 1_000;

/**
 * Runs one role until it is told to end (contract 1.3). No signal stops a bot: the next one of its role finds them as they
 * are (design 9). `down` does.
 * @param warnings of the settings
 * @returns the exit code; throws errors for people when it cannot begin
 */
export async function runService(settings: Settings, role: Role, warnings: readonly string[]): Promise<number> {
  const log = new ServiceLog(settings.log);
  const end = new EndOfRun();
  tellOfDefect(settings.engine);
  log.info(`${role.name} starts.`, { version: VERSION, engine: settings.engine });
  for (const warning of warnings) log.warn(warning);
  let runtime: Runtime | null = null;
  let failed: readonly string[] = [];
  let stopWatching = () => {};
  try {
    runtime = await startRuntime(settings, role, {
      transition(record) {
        // Whoever governs the bot says it.
        if (role.governs) log.transition(record);
      },
      warn: (sentence) => log.warn(sentence),
      ended: (stillRunning) => {
        failed = stillRunning;
        end.because('down');
      },
      failed: (sentence) => {
        log.error(sentence);
        end.because('failed');
      },
    });
    const { queryUrl, healthPort } = runtime;
    log.info(`${role.name} runs.`, {
      bots: runtime.supervisor.size,
      ...(queryUrl === null ? {} : { queryUrl }),
      ...(healthPort === null ? {} : { healthPort }),
    });
    stopWatching = tellTroubles(runtime, (level, sentence) => log.write(level, sentence, {}));
    const cause = await end.reached;
    stopWatching();
    if (failed.length > 0) log.error(`These bots did not stop in time: ${failed.join(', ')}.`);
    log.info(cause === 'down' ? `Told to stop all bots: ${role.name} ends.` : farewell(role, settings));
    await runtime.close();
    return failed.length === 0 && cause !== 'failed' ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (runtime === null && end.isReached) {
      log.warn(`${role.name} was told to end before it had begun. ${sentencesOf(error)}`);
      return EXIT.done;
    }
    // On stderr it is told as text (contract 1.1); whoever gathers the log would not see it there.
    log.fatal(error);
    throw error;
  } finally {
    stopWatching();
    await log.flushed(FLUSH_MS);
  }
}

function farewell({ name, governs }: Role, { engine }: Settings): string {
  if (!governs) return `${name} ends.`;
  return engine === 'docker'
    ? `${name} ends; bots go on running.`
    : `${name} ends, and its child processes with it; the next start runs them again.`;
}
