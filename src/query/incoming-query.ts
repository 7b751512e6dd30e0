import type { HttpResponse } from 'uWebSockets.js';
import { performance } from 'node:perf_hooks';
import { AnswerUnreadable, type BotAnswer } from './bot-answer.ts';
import { botRequest } from './bot-request.ts';
import type { BotUpstream } from './bot-upstream.ts';
import type { Deadlines, Timed } from './deadlines.ts';
import type { QueryOutcome } from './ephemeral/query-question.ts';
import { HeldBody, type HeldBytes } from './held-bytes.ts';
import type { QueryLimits, QueryRefusal } from './query-front-end.ts';
import { type QueryRequest, readQueryRequest } from './query-request.ts';
import { answerBody, errorBody, type StatusLine, statusLineOf } from './query-response.ts';
import type { QueryTally, QueryWay } from './query-tally.ts';
import { RequestBody } from './request-body.ts';
import type { RouteTable } from './route-table.ts';
import { answerOfRun } from './run-answer.ts';
import type { RunAsks, RunShare } from './run-asks.ts';
import { BUSY, SILENT, type SupervisorAsks } from './supervisor-asks.ts';
import type { UpstreamCall } from './upstream-call.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** What a query needs of the thread it came to. */
export interface QueryContext {
  readonly limits: QueryLimits;
  readonly routes: RouteTable;
  readonly asks: SupervisorAsks;
  readonly runs: RunAsks;
  readonly deadlines: Deadlines;
  readonly held: HeldBytes;
  readonly tally: QueryTally;
  /** Called once per query, when it is answered in full or the asker is gone. */
  left(): void;
}

/**
 * One `POST /query` from its first byte to the last byte of its answer.
 *
 *     receiving ──► resolving ──► asking the bot ──────────────┬──► sending ──► over
 *                   (only without └► having its program run ───┘
 *                   a route)          (it does not run)
 *
 * The asker may go away at any point; from then on the response must not be touched (uWebSockets.js ends the process).
 */
export class IncomingQuery implements UpstreamCall, Timed {
  request = '';
  deadlineSlot = -1;
  over = false;
  connection: UpstreamConnection | null = null;
  firstFailure: Error | null = null;

  readonly #response: HttpResponse;
  readonly #context: QueryContext;
  readonly #startedAt = performance.now();
  #timeoutMs = Number.POSITIVE_INFINITY;
  #query: QueryRequest | null = null;
  #upstream: BotUpstream | null = null;
  #run: RunShare | null = null;
  #way: QueryWay = 'none';
  /** What is being answered; null before, and when nobody is there to take it. */
  #status: StatusLine | null = null;
  #answerHeld: HeldBody | null = null;
  /** While a large answer is on its way: when its reader counts as stalled. `performance.now()`. */
  #sendingUntil = 0;

  constructor(response: HttpResponse, context: QueryContext) {
    this.#response = response;
    this.#context = context;
    let body: RequestBody | null = null;
    response.onAborted(() => {
      body?.release();
      this.#status = null;
      this.#leave();
    });
    response.onData((chunk, last) => {
      if (this.over) return;
      if (last && body === null && chunk.byteLength <= context.limits.requestBytes) {
        this.#received(Buffer.from(chunk), chunk.byteLength);
        return;
      }
      body ??= new RequestBody(context.limits.requestBytes, context.held);
      const received = body.push(chunk, last);
      if (received === 'more') return;
      if (received === 'complete') this.#received(body.bytes, body.length);
      else this.#notReceived(received);
      body.release();
    });
  }

  get deadlineAt(): number {
    if (this.#sendingUntil > 0) return this.#sendingUntil;
    const asked = this.#startedAt + this.#timeoutMs;
    return this.#upstream === null ? asked : Math.min(asked, this.#upstream.endsAt);
  }

  /** The bot's answer is here (called by the upstream). */
  answered(answer: BotAnswer): void {
    const tookMs = this.#elapsedMs();
    this.#reply(statusLineOf(answer.status), answerBody(answer, tookMs), tookMs);
  }

  /** The bot could not be asked, or did not answer properly (called by the upstream). */
  failed(error: Error): void {
    const what =
      error instanceof AnswerUnreadable ? 'failed to parse query response' : 'failed to execute query request';
    this.#refuse('500 Internal Server Error', `${what}: ${error.message}`);
  }

  /** The time is up (called by the deadlines). */
  expire(): void {
    if (this.#sendingUntil > 0) {
      this.#response.close();
      return;
    }
    const botId = this.#query?.botId ?? '';
    const upstream = this.#upstream;
    const seconds = this.#timeoutMs / 1000;
    const what =
      this.#run !== null
        ? `bot ${botId} does not run, and its query program did not answer within ${seconds} s`
        : upstream === null
          ? `the runtime did not find out within ${seconds} s where bot ${botId} runs`
          : upstream.retired
            ? `bot ${botId} was stopped or restarted before it answered`
            : `bot ${botId} did not answer within ${seconds} s`;
    this.#refuse('500 Internal Server Error', `failed to execute query request: ${what}`);
  }

  #received(bytes: Buffer, length: number): void {
    try {
      const query = readQueryRequest(bytes, length);
      if (typeof query === 'string') this.#refuse('400 Bad Request', query);
      else this.#resolve(query);
    } catch (error) {
      // A defect of ours that one query shows must not end the thread, and with it all other queries.
      this.#refuse('500 Internal Server Error', `internal error: ${String(error)}`);
    }
  }

  #notReceived(why: 'no-room' | 'too-large' | 'flood'): void {
    const { limits } = this.#context;
    if (why === 'no-room') {
      this.#busy(heldTooMuch(limits));
      return;
    }
    const problem = `the request is larger than ${limits.requestBytes} bytes (limit requestBytes)`;
    this.#refuse('413 Content Too Large', problem, why === 'flood');
  }

  #resolve(query: QueryRequest): void {
    const { limits, routes } = this.#context;
    this.#query = query;
    const { timeoutSec } = query;
    this.#timeoutMs = timeoutSec > 0 ? Math.min(timeoutSec * 1000, limits.maxTimeoutMs) : limits.defaultTimeoutMs;
    const upstream = routes.get(query.botId);
    if (upstream === undefined) this.#askSupervisor(query);
    else this.#askBot(query, upstream);
  }

  #askSupervisor(query: QueryRequest): void {
    const { asks, deadlines, limits } = this.#context;
    const asked = asks.ask(query.botId);
    if (asked === BUSY) {
      this.#busy(`too many questions about bots that do not run (limit asksInFlight ${limits.asksInFlight})`);
      return;
    }
    deadlines.add(this);
    void asked.then((refusal) => {
      if (!this.over) this.#explain(query, refusal);
    });
  }

  #explain(query: QueryRequest, refusal: QueryRefusal | typeof SILENT): void {
    const { botId } = query;
    if (refusal === SILENT) {
      const problem = `bot ${botId} has no route and the supervisor did not say why; ask again`;
      this.#refuse('500 Internal Server Error', problem);
      return;
    }
    switch (refusal.kind) {
      case 'unknown-bot':
        this.#refuse('404 Not Found', `bot not found: ${botId}`);
        break;
      case 'no-entrypoints':
        this.#refuse('404 Not Found', `bot ${botId} does not have entrypoints configured`);
        break;
      case 'no-query-entrypoint':
        this.#refuse('404 Not Found', `bot ${botId} does not have a query entrypoint`);
        break;
      case 'not-running':
        this.#refuse('500 Internal Server Error', `bot ${botId} is not running: ${refusal.sentence}`);
        break;
      case 'runnable':
        this.#runProgram(query, refusal.revision);
        break;
      case 'route':
        this.#askBot(query, this.#context.routes.provisional(botId, refusal.route));
    }
  }

  #askBot(query: QueryRequest, upstream: BotUpstream): void {
    const { limits, deadlines } = this.#context;
    if (upstream.inFlight >= limits.inFlightPerBot) {
      this.#busy(`too many queries to bot ${query.botId} at one time (limit inFlightPerBot ${limits.inFlightPerBot})`);
      return;
    }
    this.#upstream = upstream;
    this.#way = 'bot';
    this.request = botRequest(query, upstream.host);
    deadlines.add(this);
    upstream.start(this);
  }

  /** The bot does not run: its query program is started for this question, or a start for the same question is shared. */
  #runProgram(query: QueryRequest, revision: string): void {
    const { runs, limits, deadlines } = this.#context;
    const { botId, path, paramsJson } = query;
    const params = paramsJson === '' ? '{}' : Buffer.from(paramsJson, 'latin1').toString('utf8');
    const share = runs.ask({ botId, path, params }, revision);
    if (share === BUSY) {
      this.#busy(
        `too many questions to bot ${botId}, which does not run (limit runAsksPerBot ${limits.runAsksPerBot})`,
      );
      return;
    }
    this.#run = share;
    this.#way = 'run';
    deadlines.add(this);
    void share.outcome.then((outcome) => {
      if (!this.over) this.#ran(outcome);
    });
  }

  #ran(outcome: QueryOutcome): void {
    const { limits, held } = this.#context;
    if (outcome.kind === 'busy') {
      this.#busy(outcome.why);
      return;
    }
    try {
      const answer =
        outcome.kind === 'failed'
          ? `failed to execute query request: ${outcome.error}`
          : answerOfRun(outcome, limits.answerBytes, held);
      if (typeof answer === 'string') this.#refuse('500 Internal Server Error', answer);
      else this.answered(answer);
    } catch (error) {
      this.failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #busy(why: string): void {
    this.#refuse('503 Service Unavailable', `${why}; try again`);
  }

  #refuse(status: StatusLine, error: string, close = false): void {
    const tookMs = this.#elapsedMs();
    this.#reply(status, errorBody(error, tookMs), tookMs, close);
  }

  /** Hands the answer over. Small ones go at once; large ones at the pace of the asker, held and counted meanwhile. */
  #reply(status: StatusLine, body: string | Buffer, tookMs: number, close = false): void {
    if (this.over) return;
    this.#status = status;
    if (body.length > AT_ONCE_BYTES) {
      this.#replyLarge(status, typeof body === 'string' ? Buffer.from(body) : body);
      return;
    }
    this.#leave(tookMs);
    this.#response.cork(() => {
      writeHead(this.#response, status);
      this.#response.end(body, close);
    });
  }

  #replyLarge(status: StatusLine, body: Buffer): void {
    const { held, deadlines, limits } = this.#context;
    const holding = new HeldBody(held);
    if (!holding.cover(body.length)) {
      this.#busy(heldTooMuch(limits));
      return;
    }
    this.#answerHeld = holding;
    deadlines.add(this);
    const response = this.#response;
    const send = (offset: number): void => {
      this.#sendingUntil = performance.now() + limits.stalledReaderMs;
      const [, done] = response.tryEnd(body.subarray(offset), body.length);
      if (done) this.#leave();
    };
    response.onWritable((offset) => {
      send(offset);
      return true;
    });
    response.cork(() => {
      writeHead(response, status);
      send(0);
    });
  }

  /** Nothing of this query happens any more. */
  #leave(tookMs = this.#elapsedMs()): void {
    if (this.over) return;
    this.over = true;
    this.#context.deadlines.delete(this);
    this.#upstream?.leave(this);
    this.#run?.leave();
    this.#answerHeld?.release();
    this.#context.tally.ended(this.#way, this.#status, tookMs);
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

function heldTooMuch(limits: QueryLimits): string {
  return `large bodies of all queries together may hold ${limits.heldBytes} bytes (limit heldBytes)`;
}

/** More than this is not left to uWebSockets.js to buffer. */
const AT_ONCE_BYTES = 64 * 1024;
