import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errnoOf } from '../errno.ts';
import type { Readiness } from './readiness.ts';

/** What `/metrics` answers with. */
export interface MetricsPage {
  readonly contentType: string;
  page(): Promise<string>;
}

export interface HealthServerOptions {
  /** Null: all interfaces, as orchestrators want it (contract 5.3). */
  readonly host: string | null;
  /** 0 takes a free one. */
  readonly port: number;
  readonly readiness: Readiness;
  /** Null: `/metrics` is not there. */
  readonly metrics: MetricsPage | null;
  /** Why the process cannot go on by itself and should be started again; null while it can. `/healthz` is for those who end processes. */
  readonly unhealthy?: () => string | null;
  /** Of a request that could not be answered, or of the socket; in a sentence. */
  readonly onTrouble: (sentence: string) => void;
  /** At the same time; more are closed at once. */
  readonly connections?: number;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** The port is taken or not ours to take: the process must not go on without it (contract 12.2 #34). */
export class HealthPortUnusable extends Error {
  override readonly name = 'HealthPortUnusable';
  readonly code = 'health-port-unusable';
  readonly hint: string;

  constructor(port: number, cause: Error) {
    const code = errnoOf(cause);
    const why = code === 'EADDRINUSE' ? 'something else listens there' : `it cannot be used (${code ?? cause.message})`;
    super(`port ${port} for health checks: ${why}`, { cause });
    this.hint = 'choose another --health-port, or end what listens there';
  }
}

const CONNECTIONS = 64;
/** A probe sends its few bytes at once. */
const REQUEST_MS = 10_000;

/**
 * Answers orchestrators and Prometheus: `/healthz`, `/readyz` (contract 5.3) and `/metrics`. No commands are taken here.
 * `/readyz?verbose`, or one that accepts JSON, also says what is missing, and what else people should know.
 * @throws HealthPortUnusable
 */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      options.onTrouble(`The health server: ${error instanceof Error ? error.message : String(error)}`);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.maxConnections = options.connections ?? CONNECTIONS;
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = REQUEST_MS;
  server.on('clientError', (_error, socket) => socket.destroy());
  await listen(server, options);
  server.on('error', (error) => options.onTrouble(`The health server: ${error.message}`));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // What they ask for is small and already on its way.
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 1_000).unref();
      }),
  };
}

function listen(server: Server, { host, port }: HealthServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new HealthPortUnusable(port, cause)));
    // Without a host: IPv6 and IPv4 where there are both.
    server.listen({ port, ...(host === null ? {} : { host }) }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HealthServerOptions): Promise<void> {
  // Whatever body it has is of no interest.
  request.resume();
  const [path, search = ''] = (request.url ?? '').split('?', 2);
  switch (path) {
    case '/healthz': {
      const trouble = options.unhealthy?.() ?? null;
      return trouble === null ? text(response, 200, 'ok') : text(response, 503, 'unhealthy');
    }
    case '/readyz':
      return ready(request, search, response, options.readiness);
    case '/metrics':
      if (options.metrics === null) break;
      return send(response, 200, options.metrics.contentType, await options.metrics.page());
  }
  text(response, 404, '404 page not found\n');
}

function ready(request: IncomingMessage, search: string, response: ServerResponse, readiness: Readiness): void {
  const { isReady, isEnding, dependencies } = readiness;
  const status = isReady ? 200 : 503;
  if (wantsJson(request)) {
    const report = {
      ready: isReady,
      ending: isEnding,
      dependencies: dependencies.map(({ name, isReady: ready, sentence, since }) => ({
        name,
        ready,
        sentence,
        since: new Date(since).toISOString(),
      })),
    };
    send(response, status, 'application/json', `${JSON.stringify(report)}\n`);
    return;
  }
  const word = isReady ? 'ok' : 'not ready';
  const lines = dependencies.map(({ name, isReady: ready, sentence }) =>
    [`${name}:`, ...(ready ? ['ok'] : []), ...(sentence === '' ? [] : [ready ? `(${sentence})` : sentence])].join(' '),
  );
  if (isEnding) lines.unshift('The process is ending.');
  const isVerbose = new URLSearchParams(search).has('verbose');
  text(response, status, isVerbose ? `${[word, ...lines].join('\n')}\n` : word);
}

function wantsJson(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '').toLowerCase().includes('application/json');
}

function text(response: ServerResponse, status: number, body: string): void {
  send(response, status, 'text/plain; charset=utf-8', body);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type });
  response.end(body);
}
