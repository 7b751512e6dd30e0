import type { BotStatus, RecordEffect } from '../../actors/effect.ts';
import { reportBot } from '../admin/report.ts';
import type { Settings } from '../config/settings.ts';
import type { Runtime } from './runtime.ts';
import { renderBanner, shellWord } from './terminal/banner.ts';
import type { LogLevel } from './terminal/event-line.ts';
import { ForegroundOutput } from './terminal/foreground-output.ts';
import { LogForm } from './terminal/log-form.ts';
import { outStyle } from './terminal/output.ts';
import { VERSION } from './version-number.ts';

/** Above this many bots the screen does not list them. */
const LISTED_BOTS = 40;

/** What `up` prints: lines about bots and about itself, and once, when it runs, what there is and how to ask it. */
export class UpScreen {
  readonly #settings: Settings;
  readonly #form: LogForm;
  readonly #out: ForegroundOutput;
  readonly #err: ForegroundOutput;
  /** By bot: the code of the reason for which it waits, as printed last. */
  readonly #waitsFor = new Map<string, string>();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#form = new LogForm(settings.log);
    const { waitingBytes } = settings.log;
    const leftOut = (lines: number) =>
      this.#noticeLine('WARN', `${lines} lines are missing here: nobody read them, or there was no room for them.`);
    this.#out = new ForegroundOutput(process.stdout, waitingBytes, leftOut);
    this.#err = new ForegroundOutput(process.stderr, waitingBytes, leftOut);
  }

  /** @returns whether all lines got out, or failed to, within `forMs` */
  async flushed(forMs: number): Promise<boolean> {
    const both = await Promise.all([this.#out.flushed(forMs), this.#err.flushed(forMs)]);
    return both.every((flushed) => flushed);
  }

  transition(record: RecordEffect): void {
    if (!this.#form.showsTransition(record) || this.#isSameWait(record)) return;
    this.#out.print(this.#form.transition(record, Date.now()));
  }

  /** A bot that waits for a dependency tries it every few seconds; that it still waits is no news. */
  #isSameWait({ botId, from, to, reason: { code } }: RecordEffect): boolean {
    if (this.#form.isJson) return false;
    const known = this.#waitsFor.get(botId);
    if (to === 'starting' && from === 'waiting') return known !== undefined;
    if (to === 'waiting') this.#waitsFor.set(botId, code);
    else this.#waitsFor.delete(botId);
    return to === 'waiting' && known === code;
  }

  notice(level: LogLevel, message: string): void {
    if (this.#form.shows(level)) this.#out.print(this.#noticeLine(level, message));
  }

  #noticeLine(level: LogLevel, message: string): string {
    return this.#form.notice({ at: Date.now(), level, message });
  }

  async banner(runtime: Runtime): Promise<void> {
    const queryUrl = runtime.queryUrl ?? '';
    if (this.#form.isJson) {
      this.notice('INFO', `Queries are answered on ${queryUrl}.`);
      return;
    }
    const settings = this.#settings;
    const bots = await runtime.supervisor.list();
    // The last by name: of the example bots, the first crashes on purpose and may be down when it is asked.
    const example = bots.findLast(isAskable);
    this.#out.print(
      `\n${renderBanner(
        {
          version: VERSION,
          engine: settings.engine,
          botsFolder: settings.services.mongoUri === null ? settings.bots : null,
          known: bots.length,
          dataDirectory: settings.dataDir,
          bots: bots.slice(0, LISTED_BOTS).map(reportBot),
          queryUrl,
          tokenRequired: settings.query.token !== null,
          // Every SDK answers this path, whatever the bot is.
          example: example === undefined ? null : { botId: example.id, path: '/info' },
          clientFlags: clientFlags(settings),
          nowMs: Date.now(),
        },
        outStyle,
      )}\n`,
    );
  }
}

function isAskable({ state, endpoint }: BotStatus): boolean {
  return state === 'running' && endpoint !== null;
}

/** What other commands need to find this runtime. */
function clientFlags({ admin, dataDir }: Settings): string {
  if (admin !== null) return `--admin ${shellWord(admin)}`;
  return dataDir === './.the0' ? '' : `--data-dir ${shellWord(dataDir)}`;
}
