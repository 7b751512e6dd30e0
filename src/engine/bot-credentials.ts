import type { BotDefinition } from '../desired/bot-definition.ts';

/** Keys with which the agent in one container reaches the object store. */
export interface BotKeys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  /** When they expire, milliseconds since the epoch; absent: never. */
  readonly until?: number;
}

/** Keys that are known already, so that a container can be created with them, and may still have to be made in the store. */
export interface BotKeysToBe extends BotKeys {
  /**
   * No container with these keys is started before it resolves. Absent: they are usable. Rejects as `keysFor` does; nobody has
   * to listen.
   */
  readonly usable?: Promise<void>;
}

/**
 * Port: where an engine gets the keys for a container from, so that each reaches its own bot's data only.
 *
 * Called once for every container that is created, right before: keys for a bot's own container make those of the one before
 * useless. A container that is started again in place, or adopted, keeps what it has. Of one bot's own container never called
 * before `usable` of the last call is settled.
 */
export interface BotCredentials {
  /**
   * @param purpose `query`: for something short-lived beside the bot, of which several may run
   * @returns null: those of the runtime itself
   * @throws EngineError `keys-unavailable` when the store does not answer in time; `rejected`
   */
  keysFor(definition: Pick<BotDefinition, 'id' | 'filePath'>, purpose: 'bot' | 'query'): Promise<BotKeysToBe | null>;
}
