/**
 * Words of this folder: what *does* run. A *container* is one start-able instance of a bot: a Docker container, or for the
 * `process` engine an agent process with a directory. An *incarnation* is one start of it.
 */

import type { EngineFailure } from '../../actors/message.ts';
import type { ContainerFacts, Incarnation, LastWords, Observation } from '../../actors/observation.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import type { BotCondition } from './bot-conditions.ts';

/**
 * Port: starts, stops and watches containers of bots.
 *
 * Called by the supervisor's executor only (but for `conditions` and `runQuery`), with at most one call per bot at a time; calls for different bots run in
 * parallel. The engine keeps the rule "at most one container per bot" itself: the name is a function of the bot id, so a
 * second create is refused. It sees and touches only containers of its own instance (label), never others.
 *
 * Every method throws {@link EngineError} and nothing else; every wait inside is bounded.
 */
export interface ContainerEngine {
  readonly name: 'process' | 'docker';
  /** Hash of what this engine adds to such a bot (image, limits, environment template); see `BotSpec.shapeRevision`. */
  shapeRevisionOf(definition: Pick<BotDefinition, 'filePath'>): string;
  /**
   * Starts watching: subscribes, lists, reports what it found (one observation per container), calls `listed`, then goes
   * on with changes. After a lost connection it reconnects for ever and does the same again; containers that vanished
   * meanwhile are reported as absent. Every few minutes the list is compared as a safety net.
   * Returns when the first list was reported. @throws EngineError `unreachable` when the engine cannot be reached at first
   */
  watch(listener: EngineListener): Promise<void>;
  /** Creates and starts a container, or starts the exited one named by `inPlace` again (falls back to a new one if it is gone). */
  start(request: StartRequest): Promise<Observation>;
  /** SIGTERM, then SIGKILL after the grace. Resolves when the container no longer runs; it still exists as `exited`. */
  stop(request: ContainerRequest): Promise<Observation>;
  /**
   * Removes the container, running or not, with every process it started. An absent container is no error. What was created for
   * a run of a scheduled bot, and has begun since it was looked at, is left as it is: the observation shows it.
   */
  remove(request: ContainerRequest): Promise<Observation>;
  /** Looks now, at this one bot. */
  inspect(botId: string): Promise<Observation>;
  /**
   * What the agent of a running container says is not as it should be; nothing when all is well, or no such container runs.
   * Only for a person who asks, and beside the calls above: it may have to start a program in the container.
   */
  conditions(request: ContainerRequest): Promise<readonly BotCondition[]>;
  /**
   * Runs the bot's query program once, on a copy of its state, beside whatever else there is of the bot: neither is ever
   * taken for the other (contract 8.4, 12.4 #64). Any number at a time; whoever asks keeps it small.
   *
   * Resolves when the program has ended; what is left of it is removed meanwhile, and `close` waits for that. When the
   * signal is aborted, or the time is up, the program is ended without a grace; EngineError `rejected` once it is gone.
   */
  runQuery(request: QueryRunRequest, signal: AbortSignal): Promise<QueryRunResult>;
  /** What is not as it should be with the engine, now; in sentences. Absent: nothing ever is. */
  readonly troubles?: readonly string[];
  /**
   * Bots that run with keys to the object store of whose time this share (0 to 1) is over, those whose keys end soonest first.
   * Absent: keys do not end.
   */
  keysUsed?(share: number): readonly string[];
  /** Stops watching and frees connections. Containers are left as they are, except where the engine cannot (process: ends them). */
  close(): Promise<void>;
}

export interface EngineListener {
  observed(observation: Observation): void;
  /** The (re-)listing is complete: a bot not observed since `watch` or since the reconnect has no container. */
  listed(present: ReadonlySet<string>): void;
  /**
   * The engine cannot be reached; what was reported may be stale until `listed` is called again. Called again meanwhile when
   * what keeps it away is something else.
   */
  lost(error: EngineError): void;
}

export interface StartRequest {
  readonly definition: BotDefinition;
  readonly incarnation: Incarnation;
  readonly inPlace: string | null;
  /**
   * Of a run of a scheduled bot: the occurrence it answers, in Unix seconds. A container of the bot that is labelled with the
   * same occurrence is this run, running or ended, and is taken instead of starting it once more. It stays, as `exited`, until
   * it is removed.
   */
  readonly occurrence?: number;
}

export interface QueryRunRequest {
  readonly definition: BotDefinition;
  /** Begins with `/`. */
  readonly path: string;
  /** JSON text of an object. */
  readonly params: string;
  /** Where the result of a bot in the object store goes (contract 4.1), if the engine sends it there. */
  readonly resultKey: string;
  /** Longest run; what outlives the runtime by more than this is removed by the next one. */
  readonly deadlineMs: number;
  /** Of the result, where the engine reads it. */
  readonly resultBytes: number;
}

export interface QueryRunResult {
  readonly exitCode: number;
  readonly lastWords: LastWords | null;
  /** The end of what the program wrote, when it failed; '' when it did not. Holds what the bot wrote, secrets too. */
  readonly logTail: string;
  /** The bytes of the result file, `stored` under the request's key, or the reason why there are none. */
  readonly result: Buffer | 'stored' | { readonly missing: string };
}

export interface ContainerRequest {
  readonly botId: string;
  readonly containerId: string;
}

/** `failure.code` tells the actor what to make of it; the message is for people. */
export class EngineError extends Error {
  readonly failure: EngineFailure;
  constructor(failure: EngineFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EngineError';
    this.failure = failure;
  }
}

/** An observation of a bot of which there is no container. */
export function absent(botId: string, at: number): Observation {
  return { botId, container: null, lastExit: null, at };
}

export function seen(botId: string, container: ContainerFacts, at: number): Observation {
  return { botId, container, lastExit: null, at };
}
