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
}

/**
 * Sees to it that one process keeps the bots (design 6, "Level 2"):
 *
 *     waiting ──► holds all leases ──► events that waited are applied ──► acts
 *        └─ another holds one: stands by, and sees all that happens         │
 *                                             another took one over: lost ◄─┘
 */
export class Governance {
  readonly #parts: GovernanceParts;
  readonly #silent = new Set<string>();
  #isClosed = false;
  #isLost = false;

  constructor(parts: GovernanceParts) {
    this.#parts = parts;
  }

  /** Resolves when this process acts, or was closed; rejects when it never will. */
  async begin(): Promise<void> {
    const { shared, engine, mayAct, warn } = this.#parts;
    try {
      await Promise.all(shared.leases.map((lease, index) => lease.acquire(this.#listener(String(index)))));
    } catch (error) {
      if (this.#isClosed) return;
      throw error;
    }
    if (this.#isClosed || this.#isLost) return;
    await shared.feed?.start({ applied: (botId) => shared.hint(botId), trouble: (error) => warn(error.message) });
    if (this.#isClosed || this.#isLost) return;
    engine.open();
    mayAct();
  }

  /** What people should know of, in sentences. */
  get troubles(): string[] {
    const { shared, engine } = this.#parts;
    const feed = shared.feed?.state() ?? { usable: true };
    return [
      ...(engine.shutBecause === null ? [] : [engine.shutBecause]),
      ...(this.#silent.size === 0 ? [] : [CANNOT_RENEW]),
      ...(feed.usable || engine.shutBecause !== null ? [] : [feed.reason]),
    ];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#parts.shared.feed?.close();
    await Promise.all(this.#parts.shared.leases.map((lease) => lease.close()));
  }

  #listener(lease: string) {
    const { engine, lost, warn } = this.#parts;
    return {
      standingBy: (holder: string) => {
        engine.shut(`This process stands by: ${holder} keeps these bots.`);
        warn(engine.shutBecause ?? '');
      },
      // Bots go on being kept alive: while MongoDB is away nobody else can take them over.
      suspended: () => void this.#silent.add(lease),
      resumed: () => void this.#silent.delete(lease),
      lost: (holder: string) => {
        this.#isLost = true;
        engine.shut(`Nothing is changed any more: ${holder} keeps these bots now.`);
        lost(holder);
      },
    };
  }
}

const CANNOT_RENEW =
  'MongoDB cannot be told that this process still keeps its bots; another one may take them over. What runs goes on.';
