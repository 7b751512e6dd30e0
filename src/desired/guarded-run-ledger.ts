import type { ScheduleRecord } from '../../actors/run-record.ts';
import type { Claim, Plan, RunLedger, RunName } from './run-ledger.ts';

/**
 * A ledger in which nothing is written while this process must not act (design 6, "Level 2"): a runtime that stands by would
 * claim occurrences that it cannot run, and the one that could would take them for run elsewhere. Reading goes on.
 */
export class GuardedRunLedger implements RunLedger {
  readonly #ledger: RunLedger;
  readonly #shutBecause: () => string | null;

  /** @param shutBecause why nothing may be written, in a sentence for people; null: it may */
  constructor(ledger: RunLedger, shutBecause: () => string | null) {
    this.#ledger = ledger;
    this.#shutBecause = shutBecause;
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
    this.#assertOpen();
    return await this.#ledger.finished(run);
  }

  async missed(run: RunName): Promise<ScheduleRecord | null> {
    this.#assertOpen();
    return await this.#ledger.missed(run);
  }

  async forget(botId: string): Promise<void> {
    // Else whoever may act forgets it.
    if (this.#shutBecause() === null) await this.#ledger.forget(botId);
  }

  async close(): Promise<void> {
    await this.#ledger.close();
  }

  #assertOpen(): void {
    const because = this.#shutBecause();
    if (because !== null) throw new Error(because);
  }
}
