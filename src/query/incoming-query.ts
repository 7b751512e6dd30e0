import type { HttpResponse } from 'uWebSockets.js';
import type { BotAnswer } from './bot-answer.ts';
import { AnswerUnreadable } from './bot-answer.ts';
import { botRequest } from './bot-request.ts';
import type { BotUpstream } from './bot-upstream.ts';
import type { Deadlines, Timed } from './deadlines.ts';
import { HeldBody, type HeldBytes } from './held-bytes.ts';
import type { QueryLimits, QueryRefusal } from './query-front-end.ts';
import { type QueryRequest, readQueryRequest } from './query-request.ts';
import { answerBody, errorBody, type StatusLine, statusLineOf } from './query-response.ts';
import { RequestBody } from './request-body.ts';
import type { RouteTable } from './route-table.ts';
import { BUSY, SILENT, type SupervisorAsks } from './supervisor-asks.ts';
import type { UpstreamCall } from './upstream-call.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** What a query needs of the thread it came to. */
export interface QueryContext {
  readonly limits: QueryLimits;
  readonly routes: RouteTable;
  readonly asks: SupervisorAsks;
  readonly deadlines: Deadlines;
  readonly held: HeldBytes;
  /** Called once per query, when it is answered in full or the asker is gone. */
  left(): void;
}

/**
 * One `POST /query` from its first byte to the last byte of its answer.
 *
 *     receiving ──► resolving ──► asking the bot ──► sending ──► over
 *                   (only without a route)
 *
 * The asker may go away at any point; from then on the response must not be touched (uWebSockets.js ends the process).
 */
export class IncomingQuery implements UpstreamCall, Timed {
  request = '';
  deadlineAt = 0;
  over = false;
  connection: UpstreamConnection | null = null;
  resent = false;

  readonly #response: HttpResponse;
  readonly #context: QueryContext;
  readonly #startedAt = performance.now();
  #timeoutMs = 0;
  #query: QueryRequest | null = null;
  #upstream: BotUpstream | null = null;
  #answerHeld: HeldBody | null = null;

  constructor(response: HttpResponse, context: QueryContext) {
    this.#response = response;
    this.#context = context;
    response.onAborted(() => this.#leave());
    const body = new RequestBody(context.limits.requestBytes, context.held);
    response.onData((chunk, last) => {
      if (this.over) return;
      const received = body.push(chunk, last);
      if (received !== 'more') this.#received(body, received);
    });
  }

  /** The bot's answer is here (called by the upstream). */
  answered(answer: BotAnswer): void {
    const body = answerBody(answer, this.#elapsedMs());
    this.#settle(statusLineOf(answer.status), body);
  }

  /** The bot could not be asked, or did not answer properly (called by the upstream). */
  failed(error: Error): void {
    const what = error instanceof AnswerUnreadable ? 'failed to parse query response' : 'failed to execute query request';
    this.#refuse('500 Internal Server Error', `${what}: ${error.message}`);
  }

  /** The time is up (called by the deadlines). */
  expire(): void {
    const botId = this.#query?.botId ?? '';
    const upstream = this.#upstream;
    upstream?.cancel(this);
    const what =
      upstream === null
        ? `the runtime did not find out within ${this.#timeoutMs / 1000} s where bot ${botId} runs`
        : upstream.retired
          ? `bot ${botId} was stopped or restarted before it answered`
          : `bot ${botId} did not answer within ${this.#timeoutMs / 1000} s`;
    this.#refuse('500 Internal Server Error', `failed to execute query request: ${what}`);
  }

  #received(body: RequestBody, received: 'complete' | 'too-large' | 'no-room' | 'flood'): void {
    const { limits } = this.#context;
    if (received === 'complete') {
      const query = readQueryRequest(body.bytes, body.length);
      body.release();
      return typeof query === 'string' ? this.#refuse('400 Bad Request', query) : this.#resolve(query);
    }
    body.release();
    if (received === 'no-room') {
      return this.#busy(`large bodies of all queries together may hold ${limits.heldBytes} bytes (limit heldBytes)`);
    }
    this.#refuse(
      '413 Content Too Large',
      `the request is larger than ${limits.requestBytes} bytes (limit requestBytes)`,
      received === 'flood',
    );
  }

  #resolve(query: QueryRequest): void {
    const { limits, routes, asks, deadlines } = this.#context;
    this.#query = query;
    this.#timeoutMs =
      query.timeoutSec > 0 ? Math.min(query.timeoutSec * 1000, limits.maxTimeoutMs) : limits.defaultTimeoutMs;
    this.deadlineAt = this.#startedAt + this.#timeoutMs;
    const upstream = routes.get(query.botId);
    if (upstream !== undefined) return this.#askBot(query, upstream);
    const asked = asks.ask(query.botId);
    if (asked === BUSY) return this.#busy(`too many questions about bots that do not run (limit asksInFlight ${limits.asksInFlight})`);
    deadlines.add(this);
    asked.then((refusal) => {
      if (!this.over) this.#explain(query, refusal);
    });
  }

  #explain(query: QueryRequest, refusal: QueryRefusal | typeof SILENT): void {
    const { botId } = query;
    if (refusal === SILENT) {
      return this.#refuse('500 Internal Server Error', `bot ${botId} has no route and the supervisor did not say why; ask again`);
    }
    switch (refusal.kind) {
      case 'unknown-bot':
        return this.#refuse('404 Not Found', `bot not found: ${botId}`);
      case 'no-query-entrypoint':
        return this.#refuse('404 Not Found', `bot ${botId} does not have a query entrypoint`);
      case 'not-running':
        return this.#refuse('500 Internal Server Error', `bot ${botId} is not running: ${refusal.sentence}`);
      case 'route':
        return this.#askBot(query, this.#context.routes.provisional(botId, refusal.route));
    }
  }

  #askBot(query: QueryRequest, upstream: BotUpstream): void {
    const { limits, deadlines } = this.#context;
    if (upstream.inFlight >= limits.inFlightPerBot) {
      return this.#busy(`too many queries to bot ${query.botId} at one time (limit inFlightPerBot ${limits.inFlightPerBot})`);
    }
    this.#upstream = upstream;
    this.request = botRequest(query, upstream.host);
    deadlines.add(this);
    upstream.start(this);
  }

  #busy(why: string): void {
    this.#refuse('503 Service Unavailable', `${why}; try again`);
  }

  #refuse(status: StatusLine, error: string, close = false): void {
    this.#settle(status, errorBody(error, this.#elapsedMs()), close);
  }

  /** Hands the answer over. Small ones go at once; large ones at the pace of the asker, held and counted meanwhile. */
  #settle(status: StatusLine, body: string | Buffer, close = false): void {
    if (this.over) return;
    if (body.length > AT_ONCE_BYTES) return this.#settleLarge(status, Buffer.from(body));
    this.#leave();
    this.#response.cork(() => {
      writeHead(this.#response, status);
      this.#response.end(body, close);
    });
  }

  #settleLarge(status: StatusLine, body: Buffer): void {
    const held = new HeldBody(this.#context.held);
    if (!held.cover(body.length)) {
      return this.#busy(`large bodies of all queries together may hold ${this.#context.limits.heldBytes} bytes (limit heldBytes)`);
    }
    this.#context.deadlines.delete(this);
    this.#answerHeld = held;
    const response = this.#response;
    response.onWritable((offset) => {
      const [, done] = response.tryEnd(body.subarray(offset), body.length);
      if (done) this.#leave();
      return true;
    });
    response.cork(() => {
      writeHead(response, status);
      const [, done] = response.tryEnd(body, body.length);
      if (done) this.#leave();
    });
  }

  /** Nothing of this query happens any more. */
  #leave(): void {
    if (this.over) return;
    this.over = true;
    this.#context.deadlines.delete(this);
    if (this.connection !== null) this.#upstream?.cancel(this);
    this.#answerHeld?.release();
    this.#context.left();
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }
}

function writeHead(response: HttpResponse, status: StatusLine): void {
  if (status !== '200 OK') response.writeStatus(status);
  response.writeHeader('Content-Type', 'application/json');
  if (status === '503 Service Unavailable') response.writeHeader('Retry-After', '1');
}

/** More than this is not left to uWebSockets.js to buffer. */
const AT_ONCE_BYTES = 64 * 1024;
