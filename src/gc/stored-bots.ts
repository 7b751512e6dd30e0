import type { ListedObject } from '../storage/object-store.ts';
import type { Orphan } from './sweep-report.ts';

interface Found {
  objects: number;
  bytes: number;
  writtenAt: number;
}

/**
 * What one sweep finds of bots in the store. Of known bots only their number is kept, so memory grows with the known bots
 * and with orphans up to a limit, not with what is stored.
 */
export class StoredBots {
  readonly #known: ReadonlySet<string>;
  readonly #mostOrphans: number;
  readonly #orphans = new Map<string, Found>();
  readonly #stored = { logs: new Counted(), states: new Counted() };
  isPartial = false;
  hasKnown = false;

  constructor(known: ReadonlySet<string>, mostOrphans: number) {
    this.#known = known;
    this.#mostOrphans = mostOrphans;
  }

  /** How many bots have something stored. That of some there is only the one or the other is left out: at least so many. */
  get count(): number {
    return Math.max(this.#stored.logs.bots, this.#stored.states.bots);
  }

  /** Called in the order of the listing, in which what belongs to one bot stands together. */
  stored(where: 'logs' | 'states', botId: string, { size, modifiedAt }: ListedObject): void {
    this.#stored[where].next(botId);
    if (this.#known.has(botId)) {
      this.hasKnown = true;
      return;
    }
    const found = this.#found(botId);
    if (found === null) return;
    found.objects += 1;
    found.bytes += size;
    found.writtenAt = Math.max(found.writtenAt, modifiedAt);
  }

  /** @param seenAt when each was first found orphaned; those that are not in it: now */
  orphans(seenAt: ReadonlyMap<string, number>, now: number, graceMs: number): Orphan[] {
    return [...this.#orphans].map(([botId, found]) => {
      // A clock that was ahead must not put it off for ever.
      const since = Math.min(seenAt.get(botId) ?? now, now);
      return { botId, ...found, seenAt: since, dueAt: Math.max(since, found.writtenAt) + graceMs };
    });
  }

  #found(botId: string): Found | null {
    let found = this.#orphans.get(botId);
    if (found === undefined) {
      if (this.#orphans.size >= this.#mostOrphans) {
        this.isPartial = true;
        return null;
      }
      found = { objects: 0, bytes: 0, writtenAt: 0 };
      this.#orphans.set(botId, found);
    }
    return found;
  }
}

/** Different names in a sequence in which equal ones follow each other. */
class Counted {
  bots = 0;
  #last: string | null = null;

  next(botId: string): void {
    if (botId !== this.#last) this.bots += 1;
    this.#last = botId;
  }
}
