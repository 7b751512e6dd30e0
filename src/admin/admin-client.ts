import { type IncomingMessage, request } from 'node:http';
import * as v from 'valibot';
import { LONGEST_TIMER_MS } from '../duration.ts';
import { AdminRefusal, RuntimeUnreachable } from './admin-errors.ts';
import { checkStandIn, socketPlace } from './socket-path.ts';
import {
  ANSWERED_BY,
  acceptedReply,
  type BotReply,
  type BotReport,
  botReply,
  botsReply,
  type DownReply,
  downReply,
  ERROR_TRAILER,
  errorReply,
  FRONT_END,
  type OverviewReply,
  overviewReply,
  type QueryRequest,
  WIRE_FORMAT,
} from './wire.ts';

/**
 * The admin API as the CLI sees it. Every method throws
 * - RuntimeUnreachable when no runtime answers on the socket, or not in time (exit code 2),
 * - AdminRefusal when the runtime says no, with its code, sentence and hint (exit code 1),
 * - AdminSocketError when the socket is not to be trusted.
 */
export interface AdminClient {
  readonly socketPath: string;
  overview(): Promise<OverviewReply>;
  bots(): Promise<readonly BotReport[]>;
  why(botId: string): Promise<BotReply>;
  restart(botId: string): Promise<void>;
  reset(botId: string): Promise<void>;
  query(botId: string, question: QueryRequest): Promise<QueryAnswer>;
  /** The last `lines` lines (`Infinity` for all), then, with `follow`, what comes, until `signal`. */
  logs(botId: string, options: { lines: number; follow: boolean; signal: AbortSignal }): Promise<AsyncIterable<Buffer>>;
  /** Resolves when all bots have stopped. */
  down(timeoutMs: number): Promise<DownReply>;
}

/** What the front end said (contract 8.1). `body` is null when it was not JSON. */
export interface QueryAnswer {
  readonly httpStatus: number;
  readonly body: { readonly [key: string]: unknown } | null;
  readonly text: string;
}

/** How long the runtime may take to answer, in milliseconds. */
export interface AdminPatience {
  /** A command. */
  readonly answerMs: number;
  /** A query, beyond the time that was asked for it. */
  readonly queryMarginMs: number;
}

/** @param wanted path of the socket as configured */
export function createAdminClient(wanted: string, patience: AdminPatience): AdminClient {
  const place = socketPlace(wanted);

  async function send(method: string, path: string, options: SendOptions = {}): Promise<IncomingMessage> {
    checkStandIn(place, wanted);
    const body = options.body === undefined ? null : JSON.stringify(options.body);
    const waitMs = options.timeoutMs ?? patience.answerMs;
    const outgoing = request({
      socketPath: place.path,
      path,
      method,
      agent: false,
      headers: body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    // Counts silence, before the answer and within it.
    outgoing.setTimeout(waitMs, () => outgoing.destroy(new Silence(waitMs)));
    options.signal?.addEventListener('abort', () => outgoing.destroy(), { once: true });
    outgoing.end(body ?? undefined);
    try {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.once('response', (response) => {
          if (options.mayBeSilent === true) outgoing.setTimeout(0);
          resolve(response);
        });
        outgoing.on('error', reject);
      });
    } catch (cause) {
      throw unreachable(place.path, cause);
    }
  }

  async function ask<Reply>(
    schema: v.GenericSchema<unknown, Reply>,
    method: string,
    path: string,
    options?: SendOptions,
  ): Promise<Reply> {
    const response = await send(method, path, options);
    const text = await readText(response, place.path);
    if (response.statusCode === undefined || response.statusCode >= 400) throw refusalOf(response.statusCode, text);
    return parseReply(schema, text);
  }

  const botPath = (botId: string, verb = '') => `/v1/bots/${encodeURIComponent(botId)}${verb === '' ? '' : `/${verb}`}`;

  return {
    socketPath: place.path,
    overview: () => ask(overviewReply, 'GET', '/v1/overview'),
    bots: async () => (await ask(botsReply, 'GET', '/v1/bots')).bots,
    why: (botId) => ask(botReply, 'GET', botPath(botId)),
    restart: async (botId) => void (await ask(acceptedReply, 'POST', botPath(botId, 'restart'))),
    reset: async (botId) => void (await ask(acceptedReply, 'POST', botPath(botId, 'reset'))),
    down: (waitMs) => ask(downReply, 'POST', '/v1/down', { timeoutMs: waitMs }),
    async query(botId, question) {
      const waitMs = Math.min((question.timeoutSeconds ?? 0) * 1000 + patience.queryMarginMs, LONGEST_TIMER_MS);
      const response = await send('POST', botPath(botId, 'query'), { body: question, timeoutMs: waitMs });
      const text = await readText(response, place.path);
      const httpStatus = response.statusCode ?? 0;
      if (response.headers[ANSWERED_BY] !== FRONT_END) throw refusalOf(httpStatus, text);
      const body = v.safeParse(v.record(v.string(), v.unknown()), parseJson(text));
      return { httpStatus, text, body: body.success ? body.output : null };
    },
    async logs(botId, { lines, follow, signal }) {
      const tail = lines === Number.POSITIVE_INFINITY ? 'all' : String(lines);
      const path = `${botPath(botId, 'logs')}?tail=${tail}${follow ? '&follow=1' : ''}`;
      const response = await send('GET', path, { signal, mayBeSilent: true });
      if (response.statusCode !== 200) throw refusalOf(response.statusCode, await readText(response, place.path));
      return logChunks(response, signal, place.path);
    },
  };
}

interface SendOptions {
  readonly body?: object;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Once the answer has begun, nothing needs to come. */
  readonly mayBeSilent?: boolean;
}

class Silence extends Error {
  readonly waitedMs: number;
  constructor(waitedMs: number) {
    super(`no answer within ${waitedMs / 1000} s`);
    this.waitedMs = waitedMs;
  }
}

async function* logChunks(response: IncomingMessage, signal: AbortSignal, path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch (cause) {
    if (signal.aborted) return;
    throw brokeOff(path, cause);
  }
  const trailer = response.trailers[ERROR_TRAILER];
  if (trailer !== undefined) throw refusalOf(500, decodeURIComponent(trailer));
}

async function readText(response: IncomingMessage, path: string): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const part of response) if (Buffer.isBuffer(part)) parts.push(part);
  } catch (cause) {
    throw brokeOff(path, cause);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseReply<Reply>(schema: v.GenericSchema<unknown, Reply>, text: string): Reply {
  const value = parseJson(text);
  const head = v.safeParse(v.object({ format: v.number() }), value);
  if (head.success && head.output.format > WIRE_FORMAT) {
    const message = `the runtime speaks format ${head.output.format} of the admin API, this command only up to ${WIRE_FORMAT}`;
    throw new AdminRefusal(500, 'format-newer', message, 'use the command of the version that runs');
  }
  const reply = v.safeParse(schema, value);
  if (reply.success) return reply.output;
  const where = v.getDotPath(reply.issues[0]) ?? 'the whole of it';
  throw new AdminRefusal(
    500,
    'reply-unreadable',
    `the runtime's reply cannot be read: ${where}: ${reply.issues[0].message}`,
  );
}

function refusalOf(status: number | undefined, text: string): AdminRefusal {
  const reply = v.safeParse(errorReply, parseJson(text));
  if (!reply.success)
    return new AdminRefusal(status ?? 500, 'reply-unreadable', `the runtime answered with status ${status}`);
  return new AdminRefusal(status ?? 500, reply.output.code, reply.output.error, reply.output.hint);
}

/** @returns undefined when it is not JSON, which no schema takes */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function brokeOff(path: string, cause: unknown): RuntimeUnreachable {
  return new RuntimeUnreachable(`the runtime on ${path} went away in the middle of its answer`, START_IT, { cause });
}

const START_IT =
  'start it with `npm start`, or say where it is: --data-dir <its data directory> or --admin <its socket> (THE0_ADMIN)';

function unreachable(path: string, cause: unknown): RuntimeUnreachable {
  if (cause instanceof Silence) {
    const message = `the runtime on ${path} did not answer within ${cause.waitedMs / 1000} s`;
    return new RuntimeUnreachable(message, 'it may be very busy or stuck; its own output says more', { cause });
  }
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOENT')
    return new RuntimeUnreachable(`no runtime is running here: there is no socket ${path}`, START_IT, { cause });
  if (code === 'ECONNREFUSED') {
    return new RuntimeUnreachable(`the runtime that used ${path} is not running any more`, START_IT, { cause });
  }
  // It was taken, and closed before an answer.
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'EAGAIN') {
    const message = `the runtime on ${path} refused the connection: it takes only so many commands at the same time, or it is just ending`;
    return new RuntimeUnreachable(message, 'try again; how many it takes is set where it runs (--admin-connections)', {
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const message = `the runtime on ${path} belongs to another user`;
    return new RuntimeUnreachable(message, 'run the command as the user who started it', { cause });
  }
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new RuntimeUnreachable(`the runtime on ${path} cannot be reached: ${detail}`, START_IT, { cause });
}
