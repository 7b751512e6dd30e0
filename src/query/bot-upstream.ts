import { performance } from 'node:perf_hooks';
import type { Route } from '../../actors/route.ts';
import type { BotAnswer } from './bot-answer.ts';
import type { HeldBytes } from './held-bytes.ts';
import type { IdleConnections } from './idle-connections.ts';
import type { QueryLimits } from './query-front-end.ts';
import type { UpstreamCall } from './upstream-call.ts';
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/** What all upstreams of a thread share. */
export interface UpstreamShared {
  readonly limits: QueryLimits;
  readonly idle: IdleConnections;
  readonly held: HeldBytes;
}

/**
 * The connections to one bot under one incarnation. A new incarnation is a new upstream; the old one is retired and nothing
 * of it is used again.
 *
 *     call ──► idle connection ──► answered ──► idle again, or closed
 *         └──► new connection ─┐
 *              ▲               ├─ dead before the first byte, was idle: once more on a new one
 *              └───────────────┴─ refused while the bot is young: once more after a pause
 */
export class BotUpstream implements ConnectionOwner {
  readonly route: Route;
  /** Also the prefix of the header of each request. */
  readonly host: string;
  readonly #shared: UpstreamShared;
  readonly #patientUntil: number;
  readonly #idle: UpstreamConnection[] = [];
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

  get idleConnections(): number {
    return this.#idle.length;
  }

  /** Every call started must be ended by `leave`. */
  start(call: UpstreamCall): void {
    this.#inFlight += 1;
    const connection = this.#idle.pop();
    if (connection === undefined) {
      this.#sendOnNew(call);
      return;
    }
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
    for (const connection of this.#idle) {
      this.#shared.idle.remove(connection);
      connection.destroy();
    }
    this.#idle.length = 0;
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
    this.#idle.push(connection);
    this.#shared.idle.add(connection, performance.now());
  }

  failed(connection: UpstreamConnection, call: UpstreamCall, error: Error, started: boolean): void {
    call.connection = null;
    if (connection.served > 0 && !started && !call.resent) {
      call.resent = true;
      this.#sendOnNew(call);
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
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  #sendOnNew(call: UpstreamCall): void {
    const { limits, held } = this.#shared;
    this.#send(call, new UpstreamConnection(this.route.endpoint, this, limits.answerBytes, held));
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
