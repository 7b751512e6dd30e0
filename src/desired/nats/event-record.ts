import type { EventTally, GapCause, RefusedChange } from '../event-feed.ts';
import { comparePlaces, type StreamPlace } from '../lifecycle-event.ts';
import type { FeedError } from './feed-error.ts';

export interface RecordOptions {
  /** How long it is told that events were lost or refused. */
  readonly toldMs: number;
}

/** What is told of losses at a time; of more, nobody would read the rest. */
const MOST_LOSSES = 5;
/** Bots whose refused changes are remembered; the oldest are forgotten first. */
const MOST_REFUSALS = 1_000;
const MOST_NAMED = 5;

interface Told {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly sentence: string;
}

interface Loss extends Told {
  /** At most so many events. */
  readonly missed: number;
}

interface Refusal extends RefusedChange {
  readonly place: StreamPlace | null;
}

/**
 * What became of lifecycle events, and what of it may have left bots as they were: that passes only when somebody saves them
 * once more, so it is told for some hours. The counts stay.
 */
export class EventRecord {
  readonly #toldMs: number;
  readonly #now: () => number;
  readonly #tally = { applied: 0, stale: 0, refused: 0, missed: 0 };
  readonly #gaps: Record<GapCause, number> = { expired: 0, replaced: 0, unheard: 0 };
  /** By what tells one from another; oldest first. */
  readonly #losses = new Map<string, Loss>();
  /** By bot, oldest first. */
  readonly #refusals = new Map<string, Refusal>();
  /** The last one of which nobody can say which bot it was about. */
  #unnamed: Told | null = null;

  /** @param now ms since 1970 */
  constructor({ toldMs }: RecordOptions, now: () => number = Date.now) {
    this.#toldMs = toldMs;
    this.#now = now;
  }

  /** An event was dealt with; `stale`: something later had been applied before. */
  done(botId: string, place: StreamPlace | null, isStale: boolean): void {
    this.#tally[isStale ? 'stale' : 'applied'] += 1;
    const refusal = this.#refusals.get(botId);
    // Of a backlog the last event may be refused, and then one before it is applied.
    if (refusal !== undefined && isLater(place, refusal.place)) this.#refusals.delete(botId);
  }

  /** @param message of the event as a whole, for one without a bot */
  refused(botId: string | null, place: StreamPlace | null, reason: string, message: string): void {
    this.#tally.refused += 1;
    const at = this.#now();
    if (botId === null) this.#unnamed = { at, sentence: `${message}.` };
    else put(this.#refusals, botId, { at, reason, place }, MOST_REFUSALS);
  }

  /**
   * Events that nobody read.
   * @param topic the same for followers that find the same; of these the one counts that missed most
   * @param missed at most; null: nobody knows
   */
  gap(topic: string, cause: GapCause, error: FeedError, missed: number | null): void {
    const known = this.#losses.get(topic);
    if (known === undefined) this.#gaps[cause] += 1;
    const more = (missed ?? 0) - (known?.missed ?? 0);
    if (known !== undefined && more <= 0) return;
    this.#tally.missed += more;
    this.#lost(topic, error, missed ?? 0);
  }

  /** One event that came and found no place to wait. */
  dropped(error: FeedError): void {
    this.#tally.missed += 1;
    this.#lost(error.code, error, 1);
  }

  get tally(): EventTally {
    return { events: { ...this.#tally }, gaps: { ...this.#gaps } };
  }

  refusalOf(botId: string): RefusedChange | null {
    const refusal = this.#refusals.get(botId);
    return refusal !== undefined && this.#isTold(refusal) ? refusal : null;
  }

  /** For people, in sentences. */
  get told(): string[] {
    const bots = [...this.#refusals].filter(([, refusal]) => this.#isTold(refusal)).map(([botId]) => botId);
    return [...this.#losses.values(), ...(this.#unnamed === null ? [] : [this.#unnamed])]
      .filter((told) => this.#isTold(told))
      .map(({ at, sentence }) => `${new Date(at).toISOString().slice(0, 16)}Z: ${sentence}`)
      .concat(bots.length === 0 ? [] : [refusedBots(bots)]);
  }

  #lost(topic: string, { message, hint }: FeedError, missed: number): void {
    put(this.#losses, topic, { at: this.#now(), sentence: `${message}. ${hint}`, missed }, MOST_LOSSES);
  }

  #isTold({ at }: { readonly at: number }): boolean {
    return this.#now() - at < this.#toldMs;
  }
}

function refusedBots(bots: readonly string[]): string {
  const named = bots.slice(-MOST_NAMED).join(', ');
  const more = bots.length > MOST_NAMED ? ` and ${bots.length - MOST_NAMED} more` : '';
  return `The last change of ${named}${more} was refused; \`why\` says why.`;
}

function isLater(place: StreamPlace | null, than: StreamPlace | null): boolean {
  return place === null || than === null || comparePlaces(place, than) > 0;
}

function put<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
