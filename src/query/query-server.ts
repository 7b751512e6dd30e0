import {
  App,
  type HttpRequest,
  type HttpResponse,
  type us_listen_socket,
  us_listen_socket_close,
  us_socket_local_port,
} from 'uWebSockets.js';
import { performance } from 'node:perf_hooks';
import { AnswerReaders } from './answer-reader.ts';
import { BearerToken } from './bearer-token.ts';
import type { UpstreamShared } from './bot-upstream.ts';
import { Deadlines } from './deadlines.ts';
import { HeldBytes } from './held-bytes.ts';
import { IdleConnections, SWEEPS_OF_IDLE } from './idle-connections.ts';
import { IncomingQuery, type QueryContext } from './incoming-query.ts';
import type { AskWhy, QueryLimits, RunQuery } from './query-front-end.ts';
import { errorBody, type StatusLine } from './query-response.ts';
import type { QueryTally } from './query-tally.ts';
import { RouteTable } from './route-table.ts';
import { RunAsks } from './run-asks.ts';
import { SupervisorAsks } from './supervisor-asks.ts';

declare module 'uWebSockets.js' {
  interface TemplatedApp {
    /** Missing in the typings. `options` 1 is LIBUS_LISTEN_EXCLUSIVE_PORT, 0 shares the port (SO_REUSEPORT). */
    listen(
      host: string,
      port: number,
      options: 0 | 1,
      listening: (socket: us_listen_socket | false) => void,
    ): TemplatedApp;
  }
}

export interface QueryServerOptions {
  /** Null: everyone may ask. */
  readonly token: string | null;
  readonly limits: QueryLimits;
  readonly askWhy: AskWhy;
  readonly runQuery: RunQuery;
  readonly tally: QueryTally;
}

/** The HTTP API of contract 8.1 in one thread. uWebSockets.js bounds slow senders and readers (10 s without progress). */
export class QueryServer {
  readonly routes: RouteTable;
  readonly #app = App();
  readonly #token: BearerToken;
  readonly #limits: QueryLimits;
  readonly #context: QueryContext;
  readonly #idle: IdleConnections;
  readonly #sweeper: NodeJS.Timeout;
  #listening: us_listen_socket | null = null;
  #inFlight = 0;
  #drained: (() => void) | null = null;
  #closed = false;

  constructor(options: QueryServerOptions) {
    const { limits } = options;
    this.#limits = limits;
    this.#token = new BearerToken(options.token);
    this.#idle = new IdleConnections(limits.idleConnections);
    const held = new HeldBytes(limits.heldBytes);
    const readers = new AnswerReaders(limits.answerBytes, held);
    const shared: UpstreamShared = { limits, idle: this.#idle, readers };
    this.routes = new RouteTable(shared);
    this.#context = {
      limits,
      routes: this.routes,
      asks: new SupervisorAsks(options.askWhy, limits),
      runs: new RunAsks(options.runQuery, limits),
      deadlines: new Deadlines(),
      held,
      tally: options.tally,
      left: () => this.#left(),
    };
    this.#sweeper = setInterval(() => this.#sweep(), Math.max(MIN_SWEEP_MS, limits.idleConnectionMs / SWEEPS_OF_IDLE));
    // An open socket keeps the process alive, not this.
    this.#sweeper.unref();
    this.#app
      .any('/health', (response, request) => health(response, request))
      .post('/query', (response, request) => this.#query(response, request))
      .any('/query', (response, request) => refuse(response, request, '405 Method Not Allowed', 'method not allowed'))
      .any('/*', (response, request) => notFound(response, request));
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * @param shared with the other query threads of this process; else the port must be free
   * @returns the port, or null when it could not be bound
   */
  listen(host: string, port: number, shared: boolean): number | null {
    this.#app.listen(host, port, shared ? 0 : 1, (socket) => {
      this.#listening = socket === false ? null : socket;
    });
    return this.#listening === null ? null : us_socket_local_port(this.#listening);
  }

  /** Takes no more queries, gives those in flight `graceMs`, then closes every socket. */
  async close(graceMs: number): Promise<void> {
    if (this.#closed) return;
    if (this.#listening !== null) us_listen_socket_close(this.#listening);
    this.#listening = null;
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#drained = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.closeNow();
  }

  /** Closes every socket. A thread that ends with one open takes the whole process with it (services.md). */
  closeNow(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#app.close();
    this.#context.deadlines.stop();
    this.#idle.closeAll();
  }

  #query(response: HttpResponse, request: HttpRequest): void {
    if (this.#token.required && !this.#token.accepts(request.getHeader('authorization'))) {
      this.#context.tally.refused('401 Unauthorized');
      response.writeStatus('401 Unauthorized' satisfies StatusLine).writeHeader('WWW-Authenticate', 'Bearer');
      endJson(response, errorBody('unauthorized: a valid bearer token is required', 0));
      return;
    }
    if (this.#inFlight >= this.#limits.inFlightTotal) {
      this.#context.tally.refused('503 Service Unavailable');
      response.writeStatus('503 Service Unavailable' satisfies StatusLine).writeHeader('Retry-After', '1');
      const why = `too many queries at one time (limit inFlightTotal ${this.#limits.inFlightTotal})`;
      endJson(response, errorBody(`${why}; try again`, 0));
      return;
    }
    this.#inFlight += 1;
    this.#context.tally.entered();
    new IncomingQuery(response, this.#context);
  }

  #left(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#drained?.();
  }

  #sweep(): void {
    this.#idle.sweep();
    this.routes.sweep(performance.now());
  }
}

function health(response: HttpResponse, request: HttpRequest): void {
  response.writeHeader('Content-Type', 'application/json');
  end(response, request, '{"status":"ok"}');
}

function notFound(response: HttpResponse, request: HttpRequest): void {
  response.writeStatus('404 Not Found' satisfies StatusLine).writeHeader('Content-Type', 'text/plain; charset=utf-8');
  end(response, request, '404 page not found\n');
}

function refuse(response: HttpResponse, request: HttpRequest, status: StatusLine, error: string): void {
  response.writeStatus(status).writeHeader('Content-Type', 'application/json');
  end(response, request, errorBody(error, 0));
}

function endJson(response: HttpResponse, body: string): void {
  response.writeHeader('Content-Type', 'application/json').end(body);
}

/** A HEAD gets no body (uWebSockets.js would send one). */
function end(response: HttpResponse, request: HttpRequest, body: string): void {
  response.end(request.getMethod() === 'head' ? '' : body);
}

const MIN_SWEEP_MS = 20;
