import type { RoleLeaseListener } from '../desired/role-lease.ts';
import type { GuardedEngine } from '../engine/guarded-engine.ts';
import type { SharedBots } from './bot-source.ts';

export interface GovernanceParts {
  readonly shared: SharedBots;
  readonly engine: GuardedEngine;
  /** Changes are let through: whoever waits for that may try again. */
  readonly mayAct: () => void;
  /** Another process keeps these bots now. Nothing is changed by this one any more, and it should end. */
  readonly lost: (holder: string) => void;
  readonly warn: (sentence: string) => void;
  /** Milliseconds since whenever. */
  readonly now: () => number;
}

/**
 * Sees to it that one process keeps the bots (design 6, "Level 2"):
 *
 *     waiting ──► holds all leases ──► events that waited are applied ──► acts ◄──► cannot renew: only restarts what crashes
 *        └─ another holds one: stands by, and sees all that happens         │                        │
 *                                                another took one over: lost ◄────────────────────────┘
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
      for (const [index, lease] of shared.leases.entries()) await lease.acquire(this.#listener(index));
    } catch (error) {
      if (this.#isOver) return;
      throw error;
    }
    if (this.#isOver) return;
    await shared.feed?.start({ applied: (botId) => shared.hint(botId), trouble: (error) => warn(error.message) });
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

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#parts.shared.feed?.close();
    await Promise.all(this.#parts.shared.leases.map((lease) => lease.close()));
  }

  #listener(lease: number): RoleLeaseListener {
    const { engine, lost, warn } = this.#parts;
    return {
      standingBy: (holder) => {
        this.#standsBy = true;
        const sentence = `${holder} keeps these bots.`;
        engine.restrict('nothing', sentence);
        warn(`This process stands by: ${sentence}`);
      },
      suspended: () => {
        this.#silent.add(lease);
        if (this.#acts) engine.restrict('restarts', CANNOT_RENEW);
      },
      resumed: () => {
        this.#silent.delete(lease);
        this.#act();
      },
      lost: (holder) => {
        this.#isOver = true;
        engine.restrict('nothing', `${holder} keeps these bots now.`);
        lost(holder);
      },
    };
  }

  #act(): void {
    const { engine, mayAct } = this.#parts;
    if (this.#isOver || !this.#acts) return;
    if (this.#silent.size > 0) {
      engine.restrict('restarts', CANNOT_RENEW);
      return;
    }
    engine.open();
    mayAct();
  }
}

/** A lease is had at once, unless another process has it or MongoDB is slow. */
const FINDING_OUT_MS = 5_000;

const CANNOT_RENEW =
  'MongoDB cannot be told that this process still keeps its bots, so another one may take them over. What runs goes on and is ' +
  'kept alive; changes wait.';
