import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createQueryFrontEnd, type QueryFrontEndOptions } from '../../src/query/create-query-front-end.ts';
import type { QueryFrontEnd, QueryLimits } from '../../src/query/query-front-end.ts';

export const testLimits: QueryLimits = {
  requestBytes: 64 * 1024,
  answerBytes: 1024 ** 2,
  heldBytes: 64 * 1024 ** 2,
  inFlightPerBot: 32,
  inFlightTotal: 256,
  defaultTimeoutMs: 10_000,
  maxTimeoutMs: 20_000,
  connectPatienceMs: 0,
  connectRetryMs: 5,
  stalledReaderMs: 10_000,
  idleConnections: 64,
  idleConnectionMs: 4000,
  asksInFlight: 16,
  askDeadlineMs: 10_000,
  runAsksPerBot: 8,
};

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A front end on a free port that is closed with the test. */
export async function frontEnd(
  test: TestContext,
  options: Partial<Omit<QueryFrontEndOptions, 'limits'>> & { limits?: Partial<QueryLimits> } = {},
): Promise<QueryFrontEnd> {
  const { limits, ...rest } = options;
  const made = createQueryFrontEnd({
    host: '127.0.0.1',
    port: 0,
    threads: 0,
    token: null,
    askWhy: async () => ({ kind: 'unknown-bot' }),
    runQuery: async () => ({ kind: 'failed', error: 'no bot is run in this test' }),
    closeGraceMs: 50,
    ...rest,
    limits: { ...testLimits, ...limits },
  });
  await made.start();
  test.after(() => made.close());
  return made;
}

/** Asks over HTTP. A string goes as it is, anything else as JSON. */
export async function ask(
  port: number,
  body: unknown,
  options: { path?: string; method?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Asked> {
  const { path = '/query', method = 'POST', ...rest } = options;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const init: RequestInit = { method, ...rest };
  if (method !== 'GET' && method !== 'HEAD') init.body = text;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A request as it reached a bot. */
export interface BotRequest {
  readonly method: string;
  readonly target: string;
  readonly head: string;
  readonly body: string;
}

export interface RawBot {
  readonly port: number;
  readonly requests: BotRequest[];
  /** Connections so far. */
  readonly accepted: () => number;
  readonly open: () => number;
  readonly stopListening: () => void;
}

/**
 * A bot's query server on a bare socket, which answers as the test says: a text that is written as it stands, or a function
 * that does what it wants with the socket.
 */
export async function rawBot(
  test: TestContext,
  answer: string | ((socket: Socket, request: BotRequest, nth: number) => void),
  port = 0,
): Promise<RawBot> {
  const requests: BotRequest[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server: Server = createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // The front end may hang up at any point.
    socket.on('error', () => socket.destroy());
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const headEnd = text.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = text.slice(0, headEnd);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (text.length < headEnd + 4 + length) return;
      const [method = '', target = ''] = head.split(' ');
      const body = Buffer.from(text.slice(headEnd + 4, headEnd + 4 + length), 'latin1').toString();
      text = text.slice(headEnd + 4 + length);
      const request = { method, target, head, body };
      requests.push(request);
      if (typeof answer === 'string') socket.write(answer);
      else answer(socket, request, requests.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  test.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    requests,
    accepted: () => accepted,
    open: () => sockets.size,
    stopListening: () => void server.close(),
  };
}

export function route(
  port: number,
  incarnation = 1,
): { endpoint: { host: string; port: number }; incarnation: number } {
  return { endpoint: { host: '127.0.0.1', port }, incarnation };
}

/** A whole HTTP/1.1 response around a body. */
export function response(body: string, head = 'HTTP/1.1 200 OK'): string {
  return `${head}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Polls until it holds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, deadlineMs = 60_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const OK = response('{"status":"ok","data":1}');
