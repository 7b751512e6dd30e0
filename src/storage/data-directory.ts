/**
 * The data directory of `up`: where everything lives that must survive. One folder per kind of thing, so that a person can
 * look inside.
 *
 *   <root>/                      mode 0700, unless it was there before; code, state, logs and query-runs in it always
 *     format.json                {"format":1,"instance":"<uuid>"}
 *     package.json               says that `.js` files in here are CommonJS
 *     lock/<n>.json              who uses the directory: the newest counts (keeps a second runtime out)
 *     admin.sock                 commands (mode 0600)
 *     code/<botId>/<revision>/   a bot's code, copied per revision, never changed afterwards
 *     state/<botId>/             the bot's state directory (STATE_PATH); keys are in .the0-state/
 *     logs/<botId>/bot.log       what the bot wrote
 *     journal/                   transitions and restart memory, see src/supervisor/journal.ts
 *     run/                       the process engine's notes about live processes
 *     query-runs/                what a bot that does not run answers with, while it does; otherwise empty
 *     cache/                     can be deleted at any time (bundled agent)
 */
import { join, resolve } from 'node:path';

export const DATA_DIRECTORY_FORMAT = 1;

export interface DataDirectory {
  readonly root: string;
  /** Random id made with the directory: labels containers as belonging to it. */
  readonly instance: string;
}

export function dataPaths(root: string) {
  const base = resolve(root);
  return {
    format: join(base, 'format.json'),
    nodePackage: join(base, 'package.json'),
    lock: join(base, 'lock'),
    adminSocket: join(base, 'admin.sock'),
    code: (botId: string, revision: string) => join(base, 'code', botId, revision),
    codeOf: (botId: string) => join(base, 'code', botId),
    state: (botId: string) => join(base, 'state', botId),
    logs: (botId: string) => join(base, 'logs', botId),
    journal: join(base, 'journal'),
    schedules: join(base, 'schedules'),
    run: join(base, 'run'),
    queryRuns: join(base, 'query-runs'),
    cache: join(base, 'cache'),
    /** Folders that nobody else may enter, whoever may enter the root: below them a container's user may have to write. */
    closed: ['code', 'state', 'logs', 'query-runs'].map((name) => join(base, name)),
  };
}
