import type { ScheduleRecord } from '../../actors/run-record.ts';
import type { Claim, Plan, RunLedger, RunName } from './run-ledger.ts';

/** Who may write. */
export interface LedgerGuard {
  /** Why not all may be written, in a sentence for people; null: it may. */
  readonly shutBecause: string | null;
  /** What runs is being ended here, and nothing is begun: how a run came to its end is to be written, nothing else. */
  readonly onlyEnds: boolean;
}

/**
 * A ledger in which nothing is written while this process must not act (design 6, "Level 2"): a runtime that stands by would
 * claim occurrences that it cannot run, and the one that could would take them for run elsewhere. Reading goes on.
 */
export class GuardedRunLedger implements RunLedger {
  readonly #ledger: RunLedger;
  readonly #guard: LedgerGuard;

  constructor(ledger: RunLedger, guard: LedgerGuard) {
    this.#ledger = ledger;
    this.#guard = guard;
  }

  async read(botId: string): Promise<ScheduleRecord | null> {
    return await this.#ledger.read(botId);
  }

  async plan(plan: Plan): Promise<ScheduleRecord | null> {
    this.#assertOpen();
    return await this.#ledger.plan(plan);
  }

  async claim(claim: Claim): Promise<ScheduleRecord | null> {
    this.#assertOpen();
    return await this.#ledger.claim(claim);
  }

  async started(run: RunName): Promise<ScheduleRecord | null> {
    this.#assertOpen();
    return await this.#ledger.started(run);
  }

  async finished(run: RunName & { readonly exitCode: number | null }): Promise<ScheduleRecord | null> {
    if (!this.#guard.onlyEnds) this.#assertOpen();
    return await this.#ledger.finished(run);
  }

  async missed(run: RunName): Promise<ScheduleRecord | null> {
    if (!this.#guard.onlyEnds) this.#assertOpen();
    return await this.#ledger.missed(run);
  }

  async forget(botId: string): Promise<void> {
    // Else whoever may act forgets it.
    if (this.#guard.shutBecause === null) await this.#ledger.forget(botId);
  }

  async close(): Promise<void> {
    await this.#ledger.close();
  }

  #assertOpen(): void {
    const because = this.#guard.shutBecause;
    if (because !== null) throw new Error(because);
  }
}
