import type { LedgerEffect } from '../../actors/effect.ts';
import type { BotMessage } from '../../actors/message.ts';
import { type LedgerRequest, openRun, type ScheduleRecord } from '../../actors/run-record.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import type { RunLedger } from '../desired/run-ledger.ts';
import type { Clock } from '../kernel/clock.ts';
import type { RunGate } from './run-gate.ts';

/**
 * Carries out what actors ask of the run ledger, one call of a bot after the other, and answers each with one message; but
 * what an actor has given up by asking for something else is dropped while it waits, and not answered. So many calls are
 * under way at a time, of all bots together: at a start thousands are looked up at once.
 *
 *    bot a   claim ─► gate … line … ledger ─► answer
 *    bot b   started ─► line … ledger ─► answer
 */
export class LedgerExecutor {
  readonly #options: LedgerExecutorOptions;
  /** By bot: null while a call is under way, or what follows it. */
  readonly #busy = new Map<string, LedgerEffect | null>();
  /** By bot: calls that wait until fewer are under way; the first first. */
  readonly #line = new Map<string, LedgerEffect>();
  #closed = false;

  constructor(options: LedgerExecutorOptions) {
    this.#options = options;
  }

  execute(effect: LedgerEffect): void {
    if (this.#closed) return;
    const { botId, request } = effect;
    this.#options.gate.withdraw(botId);
    if (this.#busy.has(botId)) this.#busy.set(botId, effect);
    else if (request.op === 'claim') this.#enterGate(effect, request.dueAt);
    else this.#lineUp(effect);
  }

  /** The bot has ended: nothing of it is asked any more. */
  drop(botId: string): void {
    this.#options.gate.withdraw(botId);
    this.#options.gate.release(botId);
    this.#line.delete(botId);
    if (this.#busy.has(botId)) this.#busy.set(botId, null);
  }

  /** Begins nothing more. */
  close(): void {
    this.#closed = true;
    this.#line.clear();
  }

  #enterGate(effect: LedgerEffect, dueAt: number): void {
    this.#options.gate.enter(effect.botId, dueAt, () => this.#lineUp(effect));
  }

  /** One that is asked once more keeps its place in the line. */
  #lineUp(effect: LedgerEffect): void {
    const { botId, request } = effect;
    const before = this.#line.get(botId);
    this.#line.set(botId, effect);
    if (before?.request.op === 'claim' && request.op !== 'claim') this.#options.gate.release(botId);
    this.#callNext();
  }

  #callNext(): void {
    for (const [botId, effect] of this.#line) {
      if (this.#busy.size >= this.#options.calls) return;
      this.#line.delete(botId);
      this.#call(effect);
    }
  }

  #call(effect: LedgerEffect): void {
    const { botId, ask, request } = effect;
    this.#busy.set(botId, null);
    this.#inTime(effect).then(
      (record) => {
        this.#keepPlace(botId, request, record);
        this.#settle(botId, { kind: 'ledger-done', ask, record });
      },
      (error: unknown) => {
        if (request.op === 'claim') this.#options.gate.release(botId);
        const detail = error instanceof Error ? error.message : String(error);
        this.#settle(botId, { kind: 'ledger-failed', ask, detail });
      },
    );
  }

  #settle(botId: string, message: BotMessage): void {
    const next = this.#busy.get(botId) ?? null;
    this.#busy.delete(botId);
    if (next !== null) this.execute(next);
    this.#callNext();
    if (!this.#closed) this.#options.answer(botId, message);
  }

  /** A place at the gate goes with an open run of ours. */
  #keepPlace(botId: string, { op }: LedgerRequest, record: ScheduleRecord | null): void {
    if (op === 'read' || op === 'plan' || op === 'started') return;
    if (openRun(record)?.mine !== true) this.#options.gate.release(botId);
  }

  /** Ledgers bound their own waits. If one does not, its bot must not hang for it. */
  #inTime(effect: LedgerEffect): Promise<ScheduleRecord | null> {
    const { clock, callDeadlineMs } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(callDeadlineMs, () =>
        reject(new Error(`no answer within ${Math.round(callDeadlineMs / 1000)} s`)),
      );
      this.#carryOut(effect).then(resolve, reject).finally(cancel);
    });
  }

  async #carryOut({ botId, request }: LedgerEffect): Promise<ScheduleRecord | null> {
    const { ledger, clock } = this.#options;
    if (ledger === null) throw new Error('this process keeps no record of runs');
    const at = clock.now();
    switch (request.op) {
      case 'read':
        return await ledger.read(botId);
      case 'plan':
        return await ledger.plan({ ...request, botId });
      case 'claim': {
        const { occurrence, expected, next, incarnation } = request;
        // Disabled or removed while it waited: its actor will hear of that, and gets what is true until then.
        if (!this.#isWanted(botId)) return await ledger.read(botId);
        return await ledger.claim({ botId, occurrence, expected, next, incarnation, at });
      }
      case 'started':
        return await ledger.started({ botId, occurrence: request.occurrence, at });
      case 'finished':
        return await ledger.finished({ botId, occurrence: request.occurrence, exitCode: request.exitCode, at });
      case 'missed':
        return await ledger.missed({ botId, occurrence: request.occurrence, at });
    }
  }

  #isWanted(botId: string): boolean {
    const definition = this.#options.definitionOf(botId);
    return definition?.enabled === true && definition.kind === 'scheduled' && definition.problem === null;
  }
}

export interface LedgerExecutorOptions {
  /** Null: this process owns no bots. */
  readonly ledger: RunLedger | null;
  readonly gate: RunGate;
  readonly clock: Clock;
  /** After this a call of the ledger is given up. Milliseconds. */
  readonly callDeadlineMs: number;
  /** Calls at a time; at least 1. */
  readonly calls: number;
  definitionOf(botId: string): BotDefinition | null;
  answer(botId: string, message: BotMessage): void;
}
