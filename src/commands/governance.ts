import type { BotKind } from '../../actors/bot-spec.ts';
import type { Rival, RoleLease, RoleLeaseListener } from '../desired/role-lease.ts';
import type { GuardedEngine } from '../engine/guarded-engine.ts';
import type { SharedBots } from './bot-source.ts';
import { sentencesOf } from './terminal/error-sentences.ts';

export interface GovernanceParts {
  readonly shared: SharedBots;
  readonly engine: GuardedEngine;
  /** More may be changed than before, or there is another reason why not: whoever waits may try again. */
  readonly tryAgain: () => void;
  /**
   * Another process has bots of this kind on another engine: what there is of them on this one are second copies, which are to be
   * ended and may be; null: not any more.
   */
  readonly keepElsewhere: (kind: BotKind, sentence: string | null) => void;
  /** Of a bot that is desired. */
  readonly kindOf: (botId: string) => BotKind | undefined;
  /** Another process keeps these bots now. Nothing is changed by this one any more, and it should end. */
  readonly lost: (rival: Pick<Rival, 'holder' | 'isHere'>) => void;
  readonly warn: (sentence: string) => void;
  /** Milliseconds since whenever. */
  readonly now: () => number;
}

/**
 * Sees to it that one process keeps the bots (design 6, "Level 2"):
 *
 *     waiting ──► holds all leases ──► events that waited are applied ──► acts ◄──► cannot renew: only restarts what crashes
 *        └─ another holds one: stands by, and sees all that happens         │                        │
 *           on another engine: ends second copies                  another took one over: lost ◄──────┘
 *
 * Who cannot renew may still be the only one, and bots must not stay down for it. So what crashes is started again, as it is,
 * which runs no bot that does not run already; all else waits.
 */
export class Governance {
  readonly #parts: GovernanceParts;
  /** Leases that cannot be renewed now. */
  readonly #silent = new Set<number>();
  #acts = false;
  #standsBy = false;
  #isOver = false;
  #begunAt = 0;

  constructor(parts: GovernanceParts) {
    this.#parts = parts;
  }

  /** Resolves when this process acts, or was closed; rejects when it never will. */
  async begin(): Promise<void> {
    const { shared, warn, now } = this.#parts;
    this.#begunAt = now();
    try {
      // One after the other, and everywhere in the same order: two processes that hold one each would wait for ever.
      for (const [index, lease] of shared.leases.entries()) {
        await lease.acquire(this.#listener(index, lease));
        this.#acquired(lease);
      }
    } catch (error) {
      if (this.#isOver) return;
      throw error;
    }
    if (this.#isOver) return;
    await shared.feed?.start({ applied: (botId) => shared.hint(botId), trouble: (error) => warn(sentencesOf(error)) });
    this.#acts = true;
    this.#act();
  }

  /** What people should know of, in sentences. */
  get troubles(): string[] {
    const { shared, engine, now } = this.#parts;
    // To find out takes a moment, which is no trouble.
    const isFindingOut = !this.#acts && !this.#standsBy && now() - this.#begunAt < FINDING_OUT_MS;
    const feed = shared.feed?.state() ?? { usable: true };
    const ofLeases = shared.leases.flatMap((lease) => {
      const state = lease.state();
      return state.is === 'waiting' && state.trouble !== null ? [state.trouble] : [];
    });
    return [
      ...(engine.shutBecause === null || isFindingOut ? [] : [engine.shutBecause]),
      ...ofLeases,
      // Before that the feed has not begun.
      ...(feed.usable || !this.#acts ? [] : [feed.reason]),
    ];
  }

  /** Nothing is begun any more; what runs goes on. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#parts.engine.restrict('nothing', 'This process ends.');
    await this.#parts.shared.feed?.close();
  }

  /**
   * After `stop`, and when nothing is under way any more: from now on others may act.
   * @param leavesBots containers may be left on the engine
   */
  async release(leavesBots: boolean): Promise<void> {
    await Promise.all(this.#parts.shared.leases.map((lease) => lease.close(leavesBots)));
  }

  #listener(index: number, lease: RoleLease): RoleLeaseListener {
    const { engine, lost } = this.#parts;
    return {
      standingBy: (rival) => this.#standBy(rival, lease),
      suspended: () => {
        this.#silent.add(index);
        if (this.#acts && !this.#isOver) engine.restrict('restarts', CANNOT_RENEW);
      },
      resumed: () => {
        this.#silent.delete(index);
        this.#act();
      },
      lost: (rival) => {
        if (this.#isOver) return;
        this.#isOver = true;
        engine.restrict('nothing', `${rival.holder} keeps these bots now.`);
        lost(rival);
      },
    };
  }

  #standBy(rival: Rival, { kind }: RoleLease): void {
    const { shared, engine, keepElsewhere, kindOf, tryAgain, warn } = this.#parts;
    if (this.#isOver) return;
    this.#standsBy = true;
    const { holder, isGone, hasTakenOver, ticket } = rival;
    const sentence = isGone ? leftElsewhere(holder, ticket) : `${holder} keeps these bots.`;
    warn(`This process stands by: ${sentence}`);
    if (!hasTakenOver) {
      engine.restrict('nothing', sentence);
      keepElsewhere(kind, null);
    } else {
      // Of what nobody desires the kind is not known; it can be of another role's only where there is more than one.
      engine.restrict('ends', sentence, (botId) => shared.leases.length === 1 || kindOf(botId) === kind);
      keepElsewhere(kind, isGone ? sentence : `${holder} keeps these bots, on another engine.`);
    }
    tryAgain();
  }

  #acquired({ kind }: RoleLease): void {
    const { engine, keepElsewhere } = this.#parts;
    if (this.#isOver) return;
    engine.restrict('nothing', 'This process has taken over these bots, and finds out first what has changed.');
    keepElsewhere(kind, null);
  }

  #act(): void {
    const { engine, tryAgain } = this.#parts;
    if (this.#isOver || !this.#acts) return;
    if (this.#silent.size > 0) {
      engine.restrict('restarts', CANNOT_RENEW);
      return;
    }
    engine.open();
    tryAgain();
  }
}

/** A lease is had at once, unless another process has it or MongoDB is slow. */
const FINDING_OUT_MS = 5_000;

/** A bot must not run twice, and whether it still runs there nobody here can know (see `RoleLease`). */
function leftElsewhere(holder: string, ticket: string): string {
  return (
    `${holder} has ended or is not heard of any more, and its bots may still run on that engine. End them there with ` +
    '`the0-runtime down`, after the start of such a process on that engine if there is none. If that engine is gone for good, start this ' +
    `process with --take-from-engine ${ticket}; if it is not, they would run twice.`
  );
}

const CANNOT_RENEW =
  'MongoDB cannot be told that this process still keeps its bots, so another one may take them over. What runs goes on and is ' +
  'kept alive; changes wait.';
