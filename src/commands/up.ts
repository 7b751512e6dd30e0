import process from 'node:process';
import type { BotState, BotStatus, RecordEffect } from '../../actors/effect.ts';
import { reportBot } from '../admin/report.ts';
import type { Settings } from '../config/settings.ts';
import { EXIT, reportFailure } from './exit-code.ts';
import { type Runtime, startRuntime } from './runtime.ts';
import { queryUrlOf } from './runtime-read-side.ts';
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
import { note, outStyle } from './terminal/output.ts';
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
  tellOfDefect(settings);
  let failed: readonly string[] = [];
  let runtime: Runtime | null = null;
  void end.reached.then(() => {
    if (runtime === null) printer.notice('INFO', 'Ending when the start is through; Ctrl-C (again) ends at once.');
  });
  try {
    runtime = await startRuntime(settings, {
      transition: (record) => printer.transition(record),
      warn: (sentence) => printer.notice('WARN', sentence),
      ended: (stillRunning) => {
        failed = stillRunning;
        end.because('down');
      },
    });
  } catch (error) {
    return reportFailure(error);
  }
  const stopWatching = reportTroubles(runtime, printer);
  await Promise.race([settled(runtime, end, settings.startScreenMs), end.reached]);
  if (!end.isReached) await printer.banner(runtime);
  const cause = await end.reached;
  stopWatching();
  if (cause === 'interrupt') failed = await stopBots(runtime, printer);
  if (failed.length > 0) printer.notice('ERROR', `These bots did not stop in time: ${failed.join(', ')}.`);
  printer.notice('INFO', FAREWELL[cause][settings.engine]);
  await runtime.close();
  return failed.length === 0 ? EXIT.done : EXIT.failed;
}

type Cause = 'interrupt' | 'terminate' | 'down';

const FAREWELL = {
  interrupt: { process: 'The runtime ends.', docker: 'The runtime ends.' },
  down: { process: 'Told to stop: the runtime ends.', docker: 'Told to stop: the runtime ends.' },
  terminate: {
    process: 'Told to end: the runtime ends, and its child processes with it.',
    docker: 'Told to end: the runtime ends. Containers go on running; the next start finds them again.',
  },
} as const;

/** The first thing that ends the run; a second Ctrl-C ends it at once. */
class EndOfRun {
  isReached = false;
  readonly reached: Promise<Cause>;
  #reach: (cause: Cause) => void = () => {};

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    process.on('SIGINT', () => {
      if (this.isReached) {
        note('\nInterrupted again: ending at once. What still runs is found at the next start.\n');
        endBySignal('SIGINT');
      }
      this.because('interrupt');
    });
    process.on('SIGTERM', () => this.because('terminate'));
    process.on('SIGHUP', () => this.because('terminate'));
  }

  /** The first cause counts. */
  because(cause: Cause): void {
    this.isReached = true;
    this.#reach(cause);
  }
}

/** At once and untidily. Not `process.exit`: that aborts while a query thread has open sockets (uWebSockets.js). */
function endBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** A defect ends the runtime at once, as if it were killed; Node says where it was, and this what becomes of the bots. */
function tellOfDefect({ engine }: Settings): void {
  process.once('uncaughtExceptionMonitor', () => {
    const bots =
      engine === 'docker'
        ? 'Containers go on running; the next start finds them again.'
        : 'Its child processes end with it; the next start runs them again.';
    note(`error: the runtime itself failed, which is a defect of it. ${bots}\n`);
  });
}

async function stopBots(runtime: Runtime, printer: Printer): Promise<readonly string[]> {
  printer.notice('INFO', `Stopping ${countOf(runtime.supervisor.size)}; Ctrl-C again ends at once.`);
  const { failed } = await runtime.stopBots();
  return failed;
}

/** Until no bot is on its way any more, or for long enough. */
async function settled({ supervisor }: Runtime, end: EndOfRun, forMs: number): Promise<void> {
  const deadline = performance.now() + forMs;
  while (performance.now() < deadline && !end.isReached) {
    const bots = await supervisor.list();
    if (!bots.some(({ state }) => state === 'waiting' || state === 'starting')) return;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
  }
}

/** Says when the runtime gets into trouble, and when it is out of it. A count that grows within a sentence is no news. */
function reportTroubles(runtime: Runtime, printer: Printer): () => void {
  let known = new Map<string, string>();
  const timer = setInterval(() => {
    const now = new Map(runtime.troubles.map((trouble) => [trouble.replaceAll(/\d+/g, '#'), trouble]));
    for (const [kind, trouble] of now) if (!known.has(kind)) printer.notice('ERROR', trouble);
    for (const [kind, trouble] of known) if (!now.has(kind)) printer.notice('INFO', `No longer so: ${trouble}`);
    known = now;
  }, 500);
  return () => clearInterval(timer);
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
    const queryUrl = queryUrlOf(runtime.frontEnd);
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
          botsFolder: settings.bots,
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

/** What other commands need to find this runtime. */
function clientFlags({ admin, dataDir }: Settings): string {
  if (admin !== null) return `--admin ${shellWord(admin)}`;
  return dataDir === './.the0' ? '' : `--data-dir ${shellWord(dataDir)}`;
}
