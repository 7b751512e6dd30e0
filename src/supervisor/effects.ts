import type { BotEffect, BotStatus, RecordEffect } from '../../actors/effect.ts';
import type { BotMessage, InFlightEffect } from '../../actors/message.ts';
import type { Observation } from '../../actors/observation.ts';
import { Executor } from './executor.ts';
import type { Fleet } from './fleet.ts';
import { LedgerExecutor } from './ledger-executor.ts';
import { asQueuedRun, asQueuedStart } from './queued-start.ts';
import { noteObservation } from './roster.ts';
import { RunGate } from './run-gate.ts';
import { StartGate } from './start-gate.ts';
import type { SupervisorOptions } from './supervisor-options.ts';

/**
 * Gives what actors ask for to whom it concerns, and the answer back to the bot's actor.
 *
 *    start, stop, remove, inspect ──► executor ──► engine ─┐
 *    ledger ──► run gate ──► ledger executor ──► ledger ───┴──► one answer each, and what it tells of the container
 *    record ──► journal        route ──► query threads        answer, ended ──► the supervisor
 */
export class Effects {
  readonly #options: SupervisorOptions;
  readonly #fleet: Fleet;
  readonly #listener: EffectsListener;
  readonly #executor: Executor;
  readonly #runGate: RunGate;
  readonly #ledger: LedgerExecutor;

  constructor(options: SupervisorOptions, fleet: Fleet, listener: EffectsListener) {
    this.#options = options;
    this.#fleet = fleet;
    this.#listener = listener;
    const parts = {
      clock: options.clock,
      definitionOf: (botId: string) => fleet.get(botId)?.definition ?? null,
      answer: (botId: string, message: BotMessage) => this.#answered(botId, message),
    };
    this.#executor = new Executor({
      ...parts,
      engine: options.engine,
      gate: new StartGate(options.floodStarts, options.liveStarts),
      callDeadlineMs: options.engineCallDeadlineMs,
      late: (observation) => listener.observed(observation),
    });
    this.#runGate = new RunGate(options.scheduledRuns);
    this.#ledger = new LedgerExecutor({
      ...parts,
      ledger: options.ledger,
      gate: this.#runGate,
      callDeadlineMs: options.ledgerCallDeadlineMs,
      calls: options.ledgerCalls,
    });
  }

  carryOut(effect: BotEffect): void {
    switch (effect.kind) {
      case 'start':
        if (effect.occurrence !== undefined) this.#runGate.hold(effect.botId);
        this.#executor.execute(effect);
        break;
      case 'stop':
      case 'remove':
      case 'inspect':
        this.#executor.execute(effect);
        break;
      case 'ledger':
        this.#ledger.execute(effect);
        break;
      case 'route':
        this.#options.setRoute(effect.botId, effect.route);
        break;
      case 'record':
        this.#record(effect);
        break;
      case 'answer':
        this.#listener.answered(effect.askId, effect.status);
        break;
      case 'ended':
        this.#actorEnded(effect.botId);
        break;
      case 'timer':
      case 'cancel-timer':
        break; // The kernel keeps these; they do not leave the shard.
    }
  }

  /** Runs have their places from being seen on, such as those that went on while there was no runtime. */
  noteRun({ botId, container }: Observation): void {
    if (container?.occurrence !== undefined && container.phase === 'running') this.#runGate.hold(botId);
    else if (container?.phase !== 'created') this.#runGate.release(botId);
  }

  /** See {@link Executor.inFlight}. */
  inFlight(botId: string): InFlightEffect | undefined {
    return this.#executor.inFlight(botId);
  }

  /** See {@link Executor.startingRevision}. */
  startingRevision(botId: string): string | null {
    return this.#executor.startingRevision(botId);
  }

  /** What an actor says of itself, with what it cannot know: that what it asked for waits at a gate. */
  withQueue(status: BotStatus): BotStatus {
    if (this.#runGate.isWaiting(status.id)) return asQueuedRun(status);
    return this.#executor.waitsAtGate(status.id) ? asQueuedStart(status) : status;
  }

  /** Begins nothing more. What the engine and the ledger are doing they go on doing. */
  close(): void {
    this.#executor.close();
    this.#ledger.close();
  }

  #answered(botId: string, message: BotMessage): void {
    const entry = this.#fleet.get(botId);
    if (entry === undefined) return; // An actor does not end before its answer.
    if (message.kind === 'effect-done') {
      this.noteRun(message.observation);
      noteObservation(entry, message.observation, this.#options.clock.now());
    }
    this.#fleet.tell(entry, message, 'system');
  }

  #record(record: RecordEffect): void {
    const entry = this.#fleet.get(record.botId);
    if (entry !== undefined) entry.lastTransition = record;
    this.#options.journal.append(record);
    this.#options.onTransition(record);
    // The message at which the actor failed may have been what is desired.
    const { code, facts } = record.reason;
    if (code === 'actor-failed' && facts['exhausted'] !== true && entry !== undefined) this.#fleet.tellDesire(entry);
  }

  #actorEnded(botId: string): void {
    this.#ledger.drop(botId);
    const entry = this.#fleet.get(botId);
    if (entry === undefined) return;
    if (entry.definition !== null) {
      // Desired again while the old actor was ending.
      this.#fleet.introduce(entry);
      return;
    }
    this.#fleet.strike(botId);
    if (entry.removal !== 'shutdown') this.#forget(botId);
    this.#listener.ended(botId);
  }

  #forget(botId: string): void {
    const { journal, ledger, onFault } = this.#options;
    journal.forget(botId);
    ledger
      ?.forget(botId)
      .catch((error: unknown) => onFault(`The record of runs of ${botId} stays: ${String(error)}`, null));
  }
}

export interface EffectsListener {
  /** What came of a call of the engine after it was given up. */
  observed(observation: Observation): void;
  /** An actor's answer to a question. */
  answered(askId: number, status: BotStatus): void;
  /** The actor of a bot that nobody desires has ended, and with it all that was known of the bot. */
  ended(botId: string): void;
}
