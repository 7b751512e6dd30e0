import { dataDirSetting } from '../client-settings.ts';
import type { Pick } from '../setting.ts';
import { choice, duration, path, size, timeZone } from '../setting-kinds.ts';

/** What nearly everybody looks at. */
export function commonSettings(pick: Pick) {
  const logLevel = choice('DEBUG', 'INFO', 'WARN', 'ERROR');
  return {
    bots: pick({
      group: 'common',
      flag: 'bots',
      env: 'THE0_BOTS',
      kind: path,
      default: 'images/bots',
      help: 'folder with one folder per bot, watched while running',
    }),
    dataDir: pick(dataDirSetting),
    engine: pick({
      group: 'common',
      flag: 'engine',
      env: 'THE0_ENGINE',
      kind: choice('process', 'docker'),
      default: 'process',
      help: 'what runs the bots: child processes (isolates nothing) or Docker containers',
    }),
    timeZone: pick({
      group: 'common',
      flag: 'time-zone',
      env: 'TZ',
      kind: timeZone,
      default: 'UTC',
      help: 'time zone of the runtime and of every bot',
    }),
    startScreenMs: pick({
      group: 'advanced',
      flag: 'start-screen-wait',
      env: 'THE0_START_SCREEN_WAIT',
      kind: duration('0', '1h'),
      default: 8_000,
      help: 'how long the screen of `up` waits for the first bots to run',
    }),
    log: {
      level: pick({
        group: 'common',
        flag: 'log-level',
        env: 'LOG_LEVEL',
        kind: logLevel,
        default: 'INFO',
        help: 'what the runtime itself prints',
        lenientEnv: logLevel.parse,
      }),
      format: pick({
        group: 'common',
        flag: 'log-format',
        env: 'THE0_LOG_FORMAT',
        kind: choice('text', 'json'),
        default: 'text',
        help: 'lines for people, or one JSON object per line',
      }),
      waitingBytes: pick({
        group: 'logs',
        flag: 'log-waiting',
        env: 'THE0_LOG_WAITING',
        kind: size('4KiB', '1GiB'),
        default: 1024 ** 2,
        help: 'lines of the runtime that may wait for a terminal or pipe nobody reads before more are left out',
      }),
    },
  };
}
