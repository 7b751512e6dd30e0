import type { BotDefinition } from './bot-definition.ts';

/**
 * Port: where the desired state comes from.
 *
 * Called by the supervisor only. `start` first delivers everything there is (one `changed` per bot), then calls `synced`
 * once, then goes on with changes until `close`. A definition that cannot be used is delivered too, with its `problem`
 * set, so that it can be shown; it never keeps the others from being delivered. Delivering the same definition twice is
 * allowed. Nothing is delivered after `close` resolved.
 */
export interface DesiredState {
  /** @throws when the source cannot be read at all; the error names the cause and what to do */
  start(listener: DesiredStateListener): Promise<void>;
  close(): Promise<void>;
  /**
   * Reads what is desired of one bot now, for somebody who must not rest on what was delivered a while ago. Never rejects.
   * Resolves when the listener was told what differs, or after a bounded time, when what was delivered must do: the source
   * cannot be read, or too many ask. May be called at any time; before `start` has resolved, and after `close`, it does nothing.
   * Absent: a source that sees changes at once.
   */
  look?(botId: string): Promise<void>;
  /**
   * What lies where bots are kept and is none, now: its name and a sentence that says why and what to do. Nobody has to mend
   * it, so it is no trouble; but who expects a bot there wants to know. Absent: a source that has no such thing.
   */
  readonly ignored?: ReadonlyMap<string, string>;
}

export interface DesiredStateListener {
  /** The bot is new, or differs from what was delivered before. */
  changed(definition: BotDefinition): void;
  removed(botId: string): void;
  /** Everything there was at the start has been delivered: what is not desired by now may be removed. */
  synced(): void;
  /** The source has a trouble that is not one bot's (a folder that cannot be read). Shown to people; not fatal. */
  trouble(error: Error): void;
  /** A trouble that was told is so no more. Troubles with the same message are one. */
  troubleOver(error: Error): void;
}
