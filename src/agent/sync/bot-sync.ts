import { join } from 'node:path';
import type { AgentSettings } from '../agent-settings.ts';
import { LogSync } from '../logs/log-sync.ts';
import type { Restored } from '../state/restore-state.ts';
import { stateLimits } from '../state/state-limits.ts';
import type { StateNotice } from '../state/state-notice.ts';
import { StateSync } from '../state/state-sync.ts';
import { lastRetry, storeRetry } from '../store-retry.ts';
import type { AgentStore } from '../stored-code.ts';
import { withDescendants } from './bot-processes.ts';
import { Conditions } from './conditions.ts';
import { StateLoop } from './state-loop.ts';
import { statePlace } from './sync-settings.ts';

export type SyncSettings = Pick<
  AgentSettings,
  'botId' | 'statePath' | 'logsPath' | 'limits' | 'incarnation' | 'stateBytes' | 'stateFileBytes' | 'fencing'
>;

export interface BotSyncOptions {
  readonly store: AgentStore;
  readonly settings: SyncSettings;
  /** The leaders of the bot's process groups. */
  readonly leaders: () => readonly number[];
  /** For the bot's log. */
  readonly note: (level: 'info' | 'warn', message: string) => void;
  /** A later incarnation has stored its state: this bot must end. */
  readonly onSuperseded: () => void;
}

/**
 * Keeps one bot's state and log in the store, from before its start until after its end. The same for `execute` and for
 * `daemon sync`.
 *
 *   open ─► logs begin ─► beginState ─► … ─► finishState (the bot is gone) ─► finishLogs (nothing writes any more)
 */
export class BotSync {
  readonly #options: BotSyncOptions;
  readonly #conditions: Conditions;
  readonly #logs: LogSync;
  #loop: StateLoop | null = null;

  /** @throws what the file system throws when the logs directory cannot be written */
  constructor(options: BotSyncOptions) {
    this.#options = options;
    const { settings, store, note } = options;
    const { botId, limits, logsPath } = settings;
    this.#logs = new LogSync({
      store: store.store,
      bucket: store.buckets.logs,
      botId,
      path: join(logsPath, 'bot.log'),
      limits,
      onTrouble: (message) => this.#trouble('log-not-stored', message, 'the log is stored again'),
      onDropped: (lines) => note('warn', `${lines} log lines were not stored: the store was away for too long`),
    });
    this.#conditions = new Conditions(join(logsPath, 'conditions.json'), (message) => note('warn', message));
    this.#logs.start();
  }

  /**
   * From here on the state is stored.
   * @param restored what the directory holds
   * @param incarnation the start it belongs to
   */
  async beginState(restored: Restored, incarnation = this.#options.settings.incarnation): Promise<void> {
    const { settings, store, leaders, onSuperseded } = this.#options;
    const sync = new StateSync({
      store: store.store,
      place: statePlace(store.buckets, settings.botId),
      epoch: incarnation,
      writer: writerName(),
      directory: settings.statePath,
      spoolDirectory: settings.logsPath,
      limits: stateLimits(settings.limits, settings.stateBytes, settings.stateFileBytes),
      fencing: settings.fencing,
      pids: () => withDescendants(leaders()),
      onNotice: (notice) => this.#notice(notice),
      onNoticeOver: (code, name) => this.#conditions.over(`${code} ${name ?? ''}`),
      now: Date.now,
    });
    await sync.begin(restored);
    this.#loop = new StateLoop({
      sync,
      directory: settings.statePath,
      limits: settings.limits,
      onTrouble: (message) => this.#trouble('state-not-stored', message, 'the state is stored again'),
      onSuperseded,
    });
    this.#loop.start();
  }

  /** A stop was asked for. */
  hurry(): void {
    this.#loop?.hurry();
  }

  /** @returns whether all of it is stored */
  async finishState(): Promise<boolean> {
    return (await this.#loop?.finish(this.#options.settings.limits.lastStateMs)) ?? true;
  }

  /** @returns whether all of it is stored */
  async finishLogs(): Promise<boolean> {
    const { settings, store } = this.#options;
    const { limits } = settings;
    const hasRun = this.#loop !== null;
    const deadlineMs = hasRun ? limits.lastLogsMs : limits.failedStartLogsMs;
    const isStored = await this.#logs.finish(deadlineMs, hasRun ? lastRetry(limits) : storeRetry(limits));
    store.store.close();
    return isStored;
  }

  #notice({ code, name, message }: StateNotice): void {
    this.#options.note('warn', message);
    // That it was overwritten is over as soon as it is said.
    if (code !== 'overwrote-foreign') this.#conditions.set(`${code} ${name ?? ''}`, code, message);
  }

  #trouble(code: 'state-not-stored' | 'log-not-stored', message: string | null, again: string): void {
    if (message === null) {
      this.#options.note('info', again);
      this.#conditions.over(code);
    } else {
      this.#options.note('warn', message);
      this.#conditions.set(code, code, message);
    }
  }
}

/** Of this process: its nonces begin with it. */
function writerName(): string {
  return `${process.pid.toString(36)}${Math.random().toString(36).slice(2)}`;
}
