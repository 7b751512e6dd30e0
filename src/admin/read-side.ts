/**
 * Words of this folder: the *admin API* is what the CLI talks to, over a Unix socket. The *read side* is what it may see
 * and do; the supervisor implements it.
 */
import type { BotStatus } from '../../actors/effect.ts';
import type { Reason } from '../../actors/reason.ts';
import type { LogOptions, LogTail } from './log-tail.ts';

export interface ReadSide {
  /** All bots, sorted by id. */
  list(): Promise<readonly BotStatus[]>;
  /**
   * One bot with its timeline (journal), or null when nobody knows it.
   * @throws AdminRefusal when something else has this name (a folder without a bot), here and below
   */
  why(botId: string): Promise<BotExplanation | null>;
  /** @returns false when nobody knows the bot */
  restart(botId: string): Promise<boolean>;
  reset(botId: string): Promise<boolean>;
  /**
   * The end of the bot's log, or null when nobody knows the bot.
   * @throws AdminRefusal when it cannot be read; so do its chunks
   */
  openLog(botId: string, options: LogOptions): Promise<LogTail | null>;
  overview(): Overview;
  /** Stops all bots, then the runtime. Resolves when all bots have stopped. */
  down(): Promise<{ readonly stopped: number; readonly failed: readonly string[] }>;
}

export interface BotExplanation {
  readonly status: BotStatus;
  /** Newest last; at most as many as the runtime is set to look up. */
  readonly timeline: readonly TimelineEntry[];
  /** What is not as it should be while it runs, as its agent says. */
  readonly conditions: readonly ConditionEntry[];
  /** Why these are not known, in a sentence; else null. */
  readonly conditionsUnknown: string | null;
}

export interface ConditionEntry {
  readonly code: string;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface TimelineEntry {
  readonly from: string;
  readonly to: string;
  readonly reason: Reason;
}

export interface Overview {
  readonly version: string;
  readonly engine: string;
  /** Where queries are answered, for example `http://127.0.0.1:9477`. */
  readonly queryUrl: string;
  readonly startedAt: number;
  /** Troubles of the runtime itself, in sentences: engine unreachable, journal not writable, bots folder unreadable. */
  readonly troubles: readonly string[];
  /** What lies where bots are and is none, in sentences; nobody has to mend it. */
  readonly ignored: readonly string[];
}
