import { performance } from 'node:perf_hooks';
import type { Route } from '../../actors/route.ts';
import type { AnswerReaders } from './answer-reader.ts';
import type { BotAnswer } from './bot-answer.ts';
import type { IdleConnections } from './idle-connections.ts';
import type { QueryLimits } from './query-front-end.ts';
import type { UpstreamCall } from './upstream-call.ts';
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/** What all upstreams of a thread share. */
export interface UpstreamShared {
  readonly limits: QueryLimits;
  readonly idle: IdleConnections;
  readonly readers: AnswerReaders;
}

/**
 * The connections to one bot under one incarnation. A new incarnation is a new upstream; the old one is retired and nothing
 * of it is used again.
 *
 *     call ──► idle connection ──► answered ──► idle again, or closed
 *         └──► new connection ─┐
 *              ▲               ├─ dead before the first byte, was idle: once more on a new one; refused: failed as at first
 *              └───────────────┴─ refused while the bot is young: once more after a pause
 */
export class BotUpstream implements ConnectionOwner {
  readonly route: Route;
  /** Also the prefix of the header of each request. */
  readonly host: string;
  readonly #shared: UpstreamShared;
  readonly #patientUntil: number;
  /** The idle connection used last; the others are below it. */
  #idle: UpstreamConnection | null = null;
  /** Nothing lasts beyond this: infinity until the upstream is retired. `performance.now()`. */
  #endsAt = Number.POSITIVE_INFINITY;
  #inFlight = 0;

  constructor(route: Route, shared: UpstreamShared, now: number) {
    this.route = route;
    const { host, port } = route.endpoint;
    this.host = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#shared = shared;
    this.#patientUntil = now + shared.limits.connectPatienceMs;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Every call started must be ended by `leave`. */
  start(call: UpstreamCall): void {
    this.#inFlight += 1;
    const connection = this.#idle;
    if (connection === null) {
      this.#sendOnNew(call);
      return;
    }
    this.#idle = connection.below;
    connection.below = null;
    this.#shared.idle.remove(connection);
    this.#send(call, connection);
  }

  /** The call is over: answered, failed, or its asker is gone. Whatever it still waits for is ended. */
  leave(call: UpstreamCall): void {
    this.#inFlight -= 1;
    call.connection?.destroy();
    call.connection = null;
  }

  /** The bot has stopped or started anew. Answers already on their way get a moment, then their calls run out. */
  retire(now: number): void {
    for (let connection = this.#idle; connection !== null; connection = connection.below) {
      this.#shared.idle.remove(connection);
      connection.destroy();
    }
    this.#idle = null;
    this.#endsAt = now + RETIRED_GRACE_MS;
  }

  get endsAt(): number {
    return this.#endsAt;
  }

  get retired(): boolean {
    return this.#endsAt < Number.POSITIVE_INFINITY;
  }

  answered(connection: UpstreamConnection, call: UpstreamCall, answer: BotAnswer): void {
    call.connection = null;
    call.answered(answer);
    if (!connection.reusable || this.retired) {
      connection.destroy();
      return;
    }
    connection.below = this.#idle;
    this.#idle = connection;
    this.#shared.idle.add(connection);
  }

  failed(connection: UpstreamConnection, call: UpstreamCall, error: Error, started: boolean): void {
    call.connection = null;
    if (connection.served > 0 && !started && call.firstFailure === null) {
      call.firstFailure = error;
      this.#sendOnNew(call);
      return;
    }
    // Nobody listens any more: the query server ended over this very question, which must not end the next one too.
    if (call.firstFailure !== null && isRefusal(error)) {
      call.failed(call.firstFailure);
      return;
    }
    const { connectRetryMs } = this.#shared.limits;
    const nextTry = performance.now() + connectRetryMs;
    if (isRefusal(error) && !this.retired && nextTry < this.#patientUntil && nextTry < call.deadlineAt) {
      setTimeout(() => {
        if (!call.over) this.#sendOnNew(call);
      }, connectRetryMs);
      return;
    }
    call.failed(isRefusal(error) ? this.#refused(error) : error);
  }

  lost(connection: UpstreamConnection): void {
    this.#shared.idle.remove(connection);
    if (this.#idle === connection) this.#idle = connection.below;
    for (let above = this.#idle; above !== null; above = above.below) {
      if (above.below === connection) above.below = connection.below;
    }
    connection.below = null;
  }

  #sendOnNew(call: UpstreamCall): void {
    this.#send(call, new UpstreamConnection(this.route.endpoint, this, this.#shared.readers));
  }

  #send(call: UpstreamCall, connection: UpstreamConnection): void {
    call.connection = connection;
    connection.send(call);
  }

  #refused(error: Error): UpstreamFailure {
    return new UpstreamFailure(
      `${error.message}: the bot runs but its query server does not listen; its log says whether the query entrypoint failed`,
      { cause: error },
    );
  }
}

function isRefusal(error: Error): boolean {
  return 'code' in error && error.code === 'ECONNREFUSED';
}

/** An answer written just before the bot ended may still be in the socket. */
const RETIRED_GRACE_MS = 1000;
