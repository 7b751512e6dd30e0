import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import * as v from 'valibot';
import { LinkedAbort } from '../linked-abort.ts';
import { AdminRefusal, unknownBot } from './admin-errors.ts';
import { forwardQuery } from './query-forward.ts';
import type { ReadSide } from './read-side.ts';
import { reportBots, reportExplanation, reportOverview } from './report.ts';
import {
  type AcceptedReply,
  ANSWERED_BY,
  type DownReply,
  ERROR_TRAILER,
  type ErrorReply,
  FRONT_END,
  queryRequest,
  WIRE_FORMAT,
} from './wire.ts';

export interface AdminParts {
  readonly readSide: ReadSide;
  /** Bearer token of the front end, or null. */
  readonly queryToken: string | null;
  readonly limits: AdminLimits;
  /** A fault of ours while answering (the client is told too), or of the listening socket. */
  readonly onError: (error: Error) => void;
}

export interface AdminLimits {
  /** Largest request body; bytes. */
  readonly requestBytes: number;
  /** Longest time in which a request must have arrived; milliseconds. */
  readonly requestMs: number;
  /** What requests under way get at the end; milliseconds. */
  readonly closeGraceMs: number;
  /** How many logs may be followed at the same time. */
  readonly logFollowers: number;
  /** How often a followed log is looked at. */
  readonly logPollMs: number;
  /** How much of a log is searched for where its last lines begin. */
  readonly logSearchBytes: number;
}

const DEFAULT_TAIL_LINES = 100;

/** Answers requests of the admin API. `closing` ends what would go on for ever. */
export function createAdminHandler(parts: AdminParts, closing: AbortSignal): RequestListener {
  let followers = 0;

  return (request, response) => {
    const gone = new AbortController();
    // One command, one connection: so `close` never waits for an idle one.
    response.shouldKeepAlive = false;
    const ended = new LinkedAbort([gone.signal, closing]);
    // Also after an answer that was sent to its end.
    response.once('close', () => gone.abort());
    route(request, response, ended.signal, gone.signal).catch((error: unknown) => {
      if (!(error instanceof AdminRefusal) && !gone.signal.aborted) parts.onError(asError(error));
      sendError(response, error);
    });
  };

  async function route(request: IncomingMessage, response: ServerResponse, ended: AbortSignal, gone: AbortSignal) {
    const { readSide } = parts;
    const [path = '', search = ''] = (request.url ?? '').split('?', 2);
    const [, version, noun, encodedId, verb, ...rest] = path.split('/');
    const method = request.method ?? '';
    if (version !== 'v1' || rest.length > 0) throw noSuchThing(method, path);

    if (encodedId === undefined) {
      if (noun === 'overview' && method === 'GET') return send(response, 200, reportOverview(readSide.overview()));
      if (noun === 'bots' && method === 'GET') return send(response, 200, reportBots(await readSide.list()));
      if (noun === 'down' && method === 'POST') return send(response, 200, await down());
      throw noSuchThing(method, path);
    }
    if (noun !== 'bots') throw noSuchThing(method, path);
    const botId = decodeId(encodedId);

    switch (`${method} ${verb ?? ''}`) {
      case 'GET ': {
        const explanation = await readSide.why(botId);
        if (explanation === null) throw unknownBot(botId);
        return send(response, 200, reportExplanation(explanation));
      }
      case 'POST restart':
        return send(response, 202, accepted(botId, await readSide.restart(botId)));
      case 'POST reset':
        return send(response, 202, accepted(botId, await readSide.reset(botId)));
      case 'GET logs':
        return sendLog(response, botId, new URLSearchParams(search), ended);
      case 'POST query':
        return query(request, response, botId, gone);
      default:
        throw noSuchThing(method, path);
    }
  }

  async function down(): Promise<DownReply> {
    const { stopped, failed } = await parts.readSide.down();
    return { format: WIRE_FORMAT, stopped, failed: [...failed] };
  }

  async function sendLog(response: ServerResponse, botId: string, search: URLSearchParams, ended: AbortSignal) {
    const follow = search.get('follow') === '1';
    const lines = tailLines(search.get('tail'));
    if (follow && followers >= parts.limits.logFollowers) {
      const error = `${followers} logs are being followed, which is the limit`;
      throw new AdminRefusal(503, 'too-many-followers', error, 'end one of them, or raise --log-followers');
    }
    if (follow) followers++;
    try {
      const { logPollMs: pollMs, logSearchBytes: searchBytes } = parts.limits;
      const tail = await parts.readSide.openLog(botId, { lines, follow, pollMs, searchBytes, signal: ended });
      if (tail === null) throw unknownBot(botId);
      response.setHeader('content-type', 'text/plain; charset=utf-8');
      response.setHeader('trailer', ERROR_TRAILER);
      response.flushHeaders();
      // The generator must be begun whatever has happened meanwhile: it is what closes the files.
      for await (const chunk of tail.chunks()) {
        if (!response.write(chunk)) await once(response, 'drain', { signal: ended });
      }
      response.end();
    } catch (error) {
      if (!ended.aborted) throw error;
      response.end();
    } finally {
      if (follow) followers--;
    }
  }

  async function query(request: IncomingMessage, response: ServerResponse, botId: string, gone: AbortSignal) {
    const wanted = v.safeParse(queryRequest, await readJson(request, parts.limits.requestBytes));
    if (!wanted.success) {
      const [issue] = wanted.issues;
      throw new AdminRefusal(400, 'bad-request', `${v.getDotPath(issue) ?? 'the body'}: ${issue.message}`);
    }
    const frontEnd = { url: parts.readSide.overview().queryUrl, token: parts.queryToken };
    const answer = await forwardQuery(frontEnd, botId, wanted.output, gone);
    response.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json', [ANSWERED_BY]: FRONT_END });
    await pipeline(answer, response);
  }
}

function accepted(botId: string, known: boolean): AcceptedReply {
  if (!known) throw unknownBot(botId);
  return { format: WIRE_FORMAT, accepted: true };
}

function tailLines(text: string | null): number {
  if (text === null) return DEFAULT_TAIL_LINES;
  if (text === 'all') return Number.POSITIVE_INFINITY;
  const lines = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(lines))
    throw new AdminRefusal(400, 'bad-request', `tail: ${JSON.stringify(text)} is not a number of lines or "all"`);
  return lines;
}

function decodeId(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new AdminRefusal(400, 'bad-request', `${JSON.stringify(encoded)} is not percent-encoded`, '', { cause });
  }
}

function noSuchThing(method: string, path: string): AdminRefusal {
  const error = `this runtime does not know ${method} ${path}`;
  return new AdminRefusal(
    404,
    'unknown-request',
    error,
    'the command may be newer than the runtime; use the same version of both',
  );
}

async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    bytes += part.length;
    if (bytes > maxBytes) {
      throw new AdminRefusal(413, 'request-too-large', `the request is larger than ${maxBytes} bytes`);
    }
    parts.push(part);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
    return value;
  } catch (cause) {
    throw new AdminRefusal(400, 'bad-request', 'the body is not JSON', '', { cause });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  const refusal = error instanceof AdminRefusal ? error : internal(error);
  const reply: ErrorReply = { format: WIRE_FORMAT, error: refusal.message, hint: refusal.hint, code: refusal.code };
  if (!response.headersSent) {
    send(response, refusal.status, reply);
    return;
  }
  // Half an answer is out; only a log can still say why it ends.
  if (!response.hasHeader('trailer')) response.destroy();
  else {
    response.addTrailers({ [ERROR_TRAILER]: encodeURIComponent(JSON.stringify(reply)) });
    response.end();
  }
}

function internal(error: unknown): AdminRefusal {
  const { message } = asError(error);
  return new AdminRefusal(500, 'internal', `the runtime failed to answer: ${message}`, 'its own output says more', {
    cause: error,
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
