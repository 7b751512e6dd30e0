import { randomUUID } from 'node:crypto';
import type { Collection, Document, MongoClient } from 'mongodb';
import type { BotKind } from '../../../actors/bot-spec.ts';
import { Pauses, pause } from '../../pause.ts';
import { within } from '../../within.ts';
import type { Rival, RoleLease, RoleLeaseListener, RoleLeaseState } from '../role-lease.ts';
import { databaseOf } from './collections.ts';
import { cannot, isDuplicate, MongoTroubleError } from './mongo-error.ts';

export interface RoleLeaseOptions {
  /** The kind of bots the role is about; its lease lies in their database. */
  readonly kind: BotKind;
  /** `bot-runner`, for instance. */
  readonly role: string;
  /** How people find this process: host and process id, for instance. */
  readonly holder: string;
  /** Of which there is one process at a time, kept so by other means: whoever held the role there before has ended. */
  readonly place: string;
  /** Where this process has its containers. */
  readonly engine: string;
  /** A holder that was not heard of for this long is gone. */
  readonly expiryMs: number;
  /** How often the holder renews, and the others look; well below a third of `expiryMs`. */
  readonly renewMs: number;
  /** How long bots may go on after their holder, where they end with it. */
  readonly lingerMs: number;
  /** Tickets of rivals whose engines are gone, as a person says. */
  readonly takeFrom: readonly string[];
  /** A rival on another engine that was not heard of for this long counts as gone with its engine; 0: never. */
  readonly abandonedMs: number;
  /** Before the role is taken from an engine that is gone; when it fails, the role is not taken yet. */
  readonly engineIsGone: (engine: string) => Promise<void>;
}

interface LeaseDocument extends Document {
  readonly format?: number;
  readonly _id: string;
  /** One process; null when the role was given back. */
  readonly owner: string | null;
  readonly holder: string;
  readonly place: string;
  /** On which the bots of the role may run; null: on none. */
  readonly engine: string | null;
  /** Grows with each renewal. */
  readonly counter: number;
}

type Verdict = 'free' | 'kept' | 'left-elsewhere' | 'engine-is-gone';

/** Share of the expiry after which a holder that could not renew stops acting, so that it does before another begins. */
const SAFE_SHARE = 0.75;
const FORMAT = 1;
/** Whoever is told to end does not wait longer for a MongoDB that does not answer: a lease that is not given back expires. */
const GIVE_BACK_MS = 3_000;
/** Before a look at who was faster. */
const BEATEN_MS = 50;

/**
 * A lease in MongoDB, by a counter that its holder makes grow. No clock of one machine is compared with another's: whoever
 * waits measures with its own clock how long the counter stood still, and the holder how long ago it *sent* its last
 * renewal. As the others can see that renewal only later, the holder stops first (`SAFE_SHARE`), unless its process
 * stands still altogether.
 */
export class MongoRoleLease implements RoleLease {
  readonly #options: RoleLeaseOptions;
  readonly #leases: Collection<LeaseDocument>;
  readonly #owner = randomUUID();
  readonly #closing = new AbortController();
  #counter = 0;
  #state: RoleLeaseState = { is: 'waiting', trouble: null };
  #taking: Promise<number | null> = Promise.resolve(null);
  /** In MongoDB it is ours, as far as this process knows. */
  #isOurs = false;
  #running: Promise<void> = Promise.resolve();
  #safeTimer: NodeJS.Timeout | undefined;

  get kind(): BotKind {
    return this.#options.kind;
  }

  constructor(client: MongoClient, options: RoleLeaseOptions) {
    this.#options = options;
    this.#leases = databaseOf(client, options.kind).collection('the0_leases');
  }

  state(): RoleLeaseState {
    return this.#state;
  }

  async acquire(listener: RoleLeaseListener): Promise<void> {
    this.#taking = this.#takeWhenFree(listener);
    const sentAt = await this.#taking;
    if (sentAt === null || this.#closing.signal.aborted)
      throw new Error(`the lease of the role ${this.#options.role} was closed before it was had`);
    this.#state = { is: 'holder' };
    this.#running = this.#keep(sentAt, listener);
  }

  async close(leavesBots: boolean): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#safeTimer);
    await within(this.#giveBack(leavesBots), GIVE_BACK_MS);
    this.#state = { is: 'closed' };
  }

  async #giveBack(leavesBots: boolean): Promise<void> {
    // That it failed is told to whoever acquires.
    await this.#taking.catch(() => {});
    await this.#running;
    if (!this.#isOurs) return;
    const mine = { _id: this.#options.role, owner: this.#owner };
    try {
      await this.#leases.updateOne(mine, { $set: { owner: null, ...(leavesBots ? {} : { engine: null }) } });
    } catch (error) {
      // MongoDB is away: the lease expires by itself.
      if (!(error instanceof Error)) throw error;
    }
  }

  /** @returns when the write that took it was sent; null when closing @throws MongoTroubleError for a newer format */
  async #takeWhenFree(listener: RoleLeaseListener): Promise<number | null> {
    const { renewMs, engineIsGone } = this.#options;
    const { signal } = this.#closing;
    const pauses = new Pauses(Math.min(renewMs, 500), renewMs);
    let seen = { of: '', at: 0 };
    while (!signal.aborted) {
      try {
        const sentAt = performance.now();
        const found = await this.#leases.findOne({ _id: this.#options.role });
        if (Number(found?.format ?? FORMAT) > FORMAT) throw newerFormat(this.#options.role, found?.format);
        const sight = `${found?.owner} ${found?.counter}`;
        if (seen.of !== sight) seen = { of: sight, at: performance.now() };
        const verdict = found === null ? 'free' : this.#verdict(found, performance.now() - seen.at);
        const isFree = verdict === 'free' || verdict === 'engine-is-gone';
        if (verdict === 'engine-is-gone' && found !== null) await engineIsGone(engineOf(found));
        if (isFree && !signal.aborted && (await this.#take(found))) return sentAt;
        if (!isFree && found !== null) this.#standBy(found, verdict, listener);
        pauses.reset();
        await pause(isFree ? BEATEN_MS : renewMs, signal);
      } catch (error) {
        if (!(error instanceof Error) || error instanceof MongoTroubleError) throw error;
        if (this.#state.is === 'waiting') {
          const trouble = cannot(`tell who has the role ${this.#options.role}`, error).message;
          this.#state = { is: 'waiting', trouble };
        }
        await pauses.wait(signal);
      }
    }
    return null;
  }

  #verdict(found: LeaseDocument, stoodStillMs: number): Verdict {
    const { place, engine, expiryMs, lingerMs, takeFrom, abandonedMs } = this.#options;
    const hasEnded = found.owner === null || found.place === place;
    if (found.owner === null && found.engine === null) return 'free';
    if (found.engine === engine) return hasEnded || stoodStillMs >= expiryMs ? 'free' : 'kept';
    if (!hasEnded && stoodStillMs < expiryMs + lingerMs) return 'kept';
    const isAbandoned = abandonedMs > 0 && stoodStillMs >= abandonedMs;
    return isAbandoned || takeFrom.includes(ticketOf(found)) ? 'engine-is-gone' : 'left-elsewhere';
  }

  #standBy(found: LeaseDocument, verdict: Verdict, listener: RoleLeaseListener): void {
    const { engine, place } = this.#options;
    const isHere = found.engine === engine;
    const rival: Rival = {
      holder: found.holder,
      isHere,
      hasTakenOver: !isHere && found.place !== place,
      isGone: verdict === 'left-elsewhere',
      ticket: ticketOf(found),
    };
    const known = this.#state.is === 'standing-by' ? this.#state.rival : null;
    this.#state = { is: 'standing-by', rival };
    const isNews = known?.holder !== rival.holder || known.isHere !== rival.isHere || known.isGone !== rival.isGone;
    if (isNews) listener.standingBy(rival);
  }

  /** @returns false when another was faster */
  async #take(found: LeaseDocument | null): Promise<boolean> {
    const counter = Number(found?.counter ?? 0);
    const { holder, place, engine } = this.#options;
    const next = { format: FORMAT, owner: this.#owner, holder, place, engine, counter: counter + 1 };
    this.#counter = next.counter;
    if (found === null) {
      try {
        await this.#leases.insertOne({ _id: this.#options.role, ...next });
        this.#isOurs = true;
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    }
    const unchanged: Document = { _id: this.#options.role, owner: found.owner, counter };
    const { matchedCount } = await this.#leases.updateOne(unchanged, { $set: next });
    this.#isOurs = matchedCount === 1;
    return this.#isOurs;
  }

  async #keep(takenAt: number, listener: RoleLeaseListener): Promise<void> {
    const { renewMs } = this.#options;
    const { signal } = this.#closing;
    let failure: unknown = null;
    this.#suspendAfter(takenAt, () => listener.suspended(failure));
    while (!signal.aborted) {
      await pause(renewMs, signal);
      if (signal.aborted) return;
      const sentAt = performance.now();
      try {
        const next = this.#counter + 1;
        const mine: Document = { _id: this.#options.role, owner: this.#owner };
        const { matchedCount } = await this.#leases.updateOne(mine, { $set: { counter: next } });
        if (matchedCount === 0) {
          await this.#lose(listener);
          return;
        }
        this.#counter = next;
        failure = null;
        this.#suspendAfter(sentAt, () => listener.suspended(failure));
        if (this.#state.is === 'suspended' && this.#isSafe(sentAt)) {
          this.#state = { is: 'holder' };
          listener.resumed();
        }
      } catch (error) {
        failure = error;
      }
    }
  }

  #isSafe(sentAt: number): boolean {
    return performance.now() - sentAt < this.#options.expiryMs * SAFE_SHARE;
  }

  #suspendAfter(sentAt: number, told: () => void): void {
    clearTimeout(this.#safeTimer);
    if (this.#closing.signal.aborted) return;
    const leftMs = Math.max(0, sentAt + this.#options.expiryMs * SAFE_SHARE - performance.now());
    this.#safeTimer = setTimeout(() => {
      if (this.#state.is !== 'holder') return;
      this.#state = { is: 'suspended' };
      told();
    }, leftMs);
    this.#safeTimer.unref();
  }

  async #lose(listener: RoleLeaseListener): Promise<void> {
    clearTimeout(this.#safeTimer);
    this.#isOurs = false;
    if (this.#state.is === 'holder') {
      // At once: who has it now may take long to find out.
      this.#state = { is: 'suspended' };
      listener.suspended(new Error('another process has taken the role over'));
    }
    const now = await this.#holderNow();
    this.#state = { is: 'lost', holder: now.holder };
    listener.lost(now);
  }

  async #holderNow(): Promise<Pick<Rival, 'holder' | 'isHere'>> {
    try {
      const found = await this.#leases.findOne({ _id: this.#options.role });
      return { holder: found?.holder ?? 'nobody', isHere: found?.engine === this.#options.engine };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { holder: 'another process', isHere: false };
    }
  }
}

/** Names the engine, and by the counter also the silence: whoever is heard of again is not gone. */
function ticketOf(found: LeaseDocument): string {
  return `${engineOf(found)}@${found.counter}`;
}

function engineOf({ engine }: LeaseDocument): string {
  return engine ?? 'unknown';
}

function newerFormat(role: string, format: unknown): MongoTroubleError {
  return new MongoTroubleError(
    'mongodb-lease',
    `the lease of the role ${role} has the format ${String(format)}, which this version does not know`,
    'A newer version of the runtime has written it: use that one.',
  );
}
