import { logLine } from '../agent-line.ts';
import type { LiveLog } from '../logs/live-log.ts';
import type { OutputLog } from '../output-log.ts';
import { liveLeaders } from '../process-group.ts';
import type { RunContext, RunEnd } from '../run-context.ts';
import type { Restored } from '../state/restore-state.ts';
import type { BotSync } from './bot-sync.ts';
import { openBotSync, openLiveLog } from './open-sync.ts';
import { superseded } from './superseded.ts';

/** What goes along with one run of a bot in its agent: state, log and live log, each where there is a place for it. */
export class Companion {
  readonly #context: RunContext;
  readonly #log: OutputLog;
  #live: LiveLog | null = null;
  #sync: BotSync | null = null;
  #isSuperseded = false;
  #isLogClosed = false;
  readonly #notStored: ('state' | 'log')[] = [];

  constructor(context: RunContext, log: OutputLog) {
    this.#context = context;
    this.#log = log;
  }

  /** Before anything else, so that whatever goes wrong is in the stored log. @throws AgentError */
  async open(): Promise<void> {
    const { settings, secrets, env, mask } = this.#context;
    // Not in the bot's log: who reads that has it.
    const say = (level: 'info' | 'warn', message: string) => process.stderr.write(logLine(level, mask(message)));
    const live = openLiveLog({ secrets, env, botId: settings.botId, limits: settings.limits, note: say });
    if (live !== null) this.#log.follow((block) => live.receive(block));
    this.#live = live;
    this.#sync = await openBotSync(this.#context, {
      settings,
      leaders: liveLeaders,
      note: (level, message) => (this.#isLogClosed ? say(level, message) : this.#log.note(level, mask(message))),
      onSuperseded: () => this.#superseded(),
    });
  }

  /** Before the bot starts. @throws AgentError when a later start of this bot has stored its state */
  async begin(restored: Restored | null): Promise<void> {
    if (restored?.kind === 'superseded') throw superseded();
    if (restored === null) return;
    await this.#sync?.beginState(restored);
    // Until the bot has ended there is time.
    this.#context.stop.onRequest(() => this.#sync?.hurry());
  }

  /** How the run ended, in view of this; after `finish`. */
  endOf(end: RunEnd): RunEnd {
    if (this.#isSuperseded) return { exitCode: 1, lastWords: { the0: 1, code: 'state-superseded', facts: {} } };
    if (this.#notStored.length === 0) return end;
    const facts = { ...end.lastWords.facts, notStored: this.#notStored.join(' and ') };
    return { ...end, lastWords: { ...end.lastWords, facts } };
  }

  /** @param closeLog makes the local log whole */
  async finish(closeLog: () => Promise<void>): Promise<void> {
    if ((await this.#sync?.finishState()) === false) this.#notStored.push('state');
    await closeLog();
    this.#isLogClosed = true;
    if ((await this.#sync?.finishLogs()) === false) this.#notStored.push('log');
    await this.#live?.close(this.#context.settings.limits.flushMs);
  }

  #superseded(): void {
    this.#isSuperseded = true;
    this.#log.note('error', superseded().message);
    this.#context.stop.request(this.#context.settings.limits.stopGraceMs);
  }
}
