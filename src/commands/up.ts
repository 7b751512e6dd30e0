import process from 'node:process';
import type { BotState, BotStatus, RecordEffect } from '../../actors/effect.ts';
import { describeReason } from '../../actors/reason.ts';
import { reportBot } from '../admin/report.ts';
import type { Settings } from '../config/settings.ts';
import { EndOfRun, tellOfDefect } from './end-of-run.ts';
import { EXIT, reportFailure } from './exit-code.ts';
import { UP } from './roles.ts';
import { type Runtime, startRuntime } from './runtime.ts';
import { tellTroubles } from './tell-troubles.ts';
import { countOf, renderBanner, shellWord } from './terminal/banner.ts';
import {
  isShown,
  type LogLevel,
  noticeJson,
  noticeText,
  transitionJson,
  transitionLevel,
  transitionText,
} from './terminal/event-line.ts';
import { ForegroundOutput } from './terminal/foreground-output.ts';
import { outStyle } from './terminal/output.ts';
import { VERSION } from './version-number.ts';

const SETTLE_POLL_MS = 100;
/** How long the last lines may take to get out. */
const FLUSH_MS = 1_000;
/** Above this many bots the screen does not list them. */
const LISTED_BOTS = 40;

/**
 * Runs bots in the foreground until it is told to stop (design 9):
 * - Ctrl-C and `the0-runtime down` stop all bots, then the runtime
 * - SIGTERM and SIGHUP end the runtime only: containers go on, child processes end with it
 *
 * @returns the exit code
 */
export async function up(settings: Settings): Promise<number> {
  const printer = new Printer(settings);
  const exitCode = await run(settings, printer);
  // A pipe that nobody reads would keep the process for ever.
  if (!(await printer.flushed(FLUSH_MS))) process.exit(exitCode);
  return exitCode;
}

async function run(settings: Settings, printer: Printer): Promise<number> {
  const end = new EndOfRun();
  tellOfDefect(settings.engine);
  let failed: readonly string[] = [];
  let runtime: Runtime | null = null;
  void end.reached.then(() => {
    if (runtime === null) printer.notice('INFO', 'Ending when the start is through; Ctrl-C (again) ends at once.');
  });
  try {
    runtime = await startRuntime(settings, UP, {
      transition: (record) => printer.transition(record),
      warn: (sentence) => printer.notice('WARN', sentence),
      ended: (stillRunning) => {
        failed = stillRunning;
        end.because('down');
      },
      failed: (sentence) => {
        printer.notice('ERROR', sentence);
        end.because('failed');
      },
    });
  } catch (error) {
    return reportFailure(error);
  }
  if (isOpenToAll(settings)) printer.notice('WARN', OPEN_TO_ALL);
  const stopWatching = tellTroubles(runtime, (level, sentence) => printer.notice(level, sentence));
  await Promise.race([settled(runtime, end, settings.startScreenMs), end.reached]);
  if (!end.isReached) await printer.banner(runtime);
  const cause = await end.reached;
  stopWatching();
  if (cause === 'interrupt') failed = await stopBots(runtime, printer);
  if (failed.length > 0) printer.notice('ERROR', `These bots did not stop in time: ${failed.join(', ')}.`);
  printer.notice('INFO', FAREWELL[cause][settings.engine]);
  await runtime.close();
  return failed.length === 0 && cause !== 'failed' ? EXIT.done : EXIT.failed;
}

const FAREWELL = {
  interrupt: { process: 'The runtime ends.', docker: 'The runtime ends.' },
  down: { process: 'Told to stop: the runtime ends.', docker: 'Told to stop: the runtime ends.' },
  failed: { process: 'The runtime ends.', docker: 'The runtime ends. Containers go on running.' },
  terminate: {
    process: 'Told to end: the runtime ends, and its child processes with it.',
    docker: 'Told to end: the runtime ends. Containers go on running; the next start finds them again.',
  },
} as const;

async function stopBots(runtime: Runtime, printer: Printer): Promise<readonly string[]> {
  printer.notice('INFO', `Stopping ${countOf(runtime.supervisor.size)}; Ctrl-C again ends at once.`);
  const { failed } = await runtime.stopBots();
  return failed;
}

/** What waits for something that is broken is not. */
function isOnItsWay({ state, reason }: BotStatus): boolean {
  return state === 'starting' || (state === 'waiting' && describeReason(reason).severity !== 'error');
}

/** Until no bot is on its way any more, or for long enough. */
async function settled({ supervisor }: Runtime, end: EndOfRun, forMs: number): Promise<void> {
  const deadline = performance.now() + forMs;
  while (performance.now() < deadline && !end.isReached) {
    const bots = await supervisor.list();
    if (!bots.some(isOnItsWay)) return;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
  }
}

class Printer {
  readonly #settings: Settings;
  readonly #out: ForegroundOutput;
  readonly #err: ForegroundOutput;
  /** By bot: the code of the reason for which it waits, as printed last. */
  readonly #waitsFor = new Map<string, string>();

  constructor(settings: Settings) {
    this.#settings = settings;
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

  transition({ botId, from, to, reason }: RecordEffect): void {
    if (!this.#shows(transitionLevel(reason)) || this.#isSameWait(botId, from, to, reason.code)) return;
    const transition = { botId, from, to, reason };
    this.#out.print(this.#isJson ? transitionJson(transition) : transitionText(transition, outStyle, Date.now()));
  }

  /** A bot that waits for a dependency tries it every few seconds; that it still waits is no news. */
  #isSameWait(botId: string, from: BotState, to: BotState, code: string): boolean {
    if (this.#isJson) return false;
    const known = this.#waitsFor.get(botId);
    if (to === 'starting' && from === 'waiting') return known !== undefined;
    if (to === 'waiting') this.#waitsFor.set(botId, code);
    else this.#waitsFor.delete(botId);
    return to === 'waiting' && known === code;
  }

  notice(level: LogLevel, message: string): void {
    if (!this.#shows(level)) return;
    this.#out.print(this.#noticeLine(level, message));
  }

  #noticeLine(level: LogLevel, message: string): string {
    const notice = { at: Date.now(), level, message };
    return this.#isJson ? noticeJson(notice) : noticeText(notice, outStyle, notice.at);
  }

  async banner(runtime: Runtime): Promise<void> {
    const queryUrl = runtime.queryUrl ?? '';
    if (this.#isJson) {
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

  get #isJson(): boolean {
    return this.#settings.log.format === 'json';
  }

  #shows(level: LogLevel): boolean {
    return isShown(level, this.#settings.log.level);
  }
}

function isAskable({ state, endpoint }: BotStatus): boolean {
  return state === 'running' && endpoint !== null;
}

/** Contract 12.4 #59: who listens for other machines and asks for no token answers whoever comes. */
function isOpenToAll({ query }: Settings): boolean {
  return query.token === null && !/^(localhost|127\.[\d.]+|::1)$/.test(query.host);
}

const OPEN_TO_ALL =
  'Every machine that reaches this one can ask all bots, and needs no password for it: QUERY_TOKEN=… makes queries carry one.';

/** What other commands need to find this runtime. */
function clientFlags({ admin, dataDir }: Settings): string {
  if (admin !== null) return `--admin ${shellWord(admin)}`;
  return dataDir === './.the0' ? '' : `--data-dir ${shellWord(dataDir)}`;
}
