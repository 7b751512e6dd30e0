/**
 * Words of this folder: the *supervisor* owns no bot's truth. It keeps a *roster* (what is desired of each bot, what was
 * last seen of it, which shard its actor lives on), *fans out* messages to shards, and its *executor* carries out what
 * actors ask for. If a shard dies, the roster holds all that is needed to make its actors anew.
 */
import type { RecordEffect } from '../../actors/effect.ts';
import type { Observation } from '../../actors/observation.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';

export interface RosterEntry {
  readonly botId: string;
  /** What is desired; null for a bot that nobody desires (any more) but that is still there. */
  definition: BotDefinition | null;
  /** Why there is no definition; see `RemovedMessage.cause`. */
  removal: 'deleted' | 'unknown' | 'shutdown' | null;
  /** The newest observation there is, whether its actor has seen it or not; null until the engine was listed. */
  observation: Observation | null;
  /** The last one its actor told of; null when it has told of none yet. */
  lastTransition: RecordEffect | null;
  readonly shardId: string;
}

/**
 * An event of the engine may come later than an answer that is newer than it.
 * @param now what was seen at a later time was seen before the clock was set back, and is not newer than anything
 */
export function noteObservation(entry: RosterEntry, observation: Observation, now: number): void {
  const known = entry.observation;
  if (known === null || observation.at >= known.at || known.at > now) entry.observation = observation;
}

/** All bots the runtime knows: desired ones, and found ones that nobody desires. Touched by the supervisor only. */
export class Roster {
  readonly #entries = new Map<string, RosterEntry>();

  get size(): number {
    return this.#entries.size;
  }

  get(botId: string): RosterEntry | undefined {
    return this.#entries.get(botId);
  }

  add(entry: RosterEntry): void {
    this.#entries.set(entry.botId, entry);
  }

  delete(botId: string): void {
    this.#entries.delete(botId);
  }

  [Symbol.iterator](): Iterator<RosterEntry> {
    return this.#entries.values();
  }

  /** A copy, so that entries may be removed meanwhile. */
  onShard(shardId: string): RosterEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.shardId === shardId);
  }
}
