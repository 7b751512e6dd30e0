import { type IncomingMessage, request } from 'node:http';
import { AdminRefusal } from './admin-errors.ts';
import type { QueryRequest } from './wire.ts';

export interface FrontEndAddress {
  /** For example `http://127.0.0.1:9477`. */
  readonly url: string;
  /** Bearer token of the front end, or null. The person on the admin socket need not know it. */
  readonly token: string | null;
}

/**
 * Asks the front end on behalf of a person on the admin socket, in the words of contract 8.1. The answer is handed on as
 * it comes: it may be large, and this thread has bots to look after.
 * @throws AdminRefusal `front-end-unreachable`
 */
export function forwardQuery(
  { url, token }: FrontEndAddress,
  botId: string,
  { path, params, timeoutSeconds }: QueryRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const body = JSON.stringify({
    bot_id: botId,
    query_path: path,
    params: params ?? {},
    ...(timeoutSeconds === undefined ? {} : { timeout_sec: timeoutSeconds }),
  });
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL('/query', url), {
      method: 'POST',
      agent: false,
      signal,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    outgoing.once('response', resolve);
    outgoing.once('error', (cause) => {
      reject(
        new AdminRefusal(502, 'front-end-unreachable', `the query front end on ${url} cannot be reached`, '', {
          cause,
        }),
      );
    });
    outgoing.end(body);
  });
}
