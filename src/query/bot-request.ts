import type { QueryRequest } from './query-request.ts';
import { requestTarget } from './request-target.ts';

/**
 * The HTTP request to a bot's query server, in latin1 (contract 8.3): the parameters in the body, when there are any, and
 * in the URL.
 *
 * @param host of the `Host` header
 */
export function botRequest(request: QueryRequest, host: string): string {
  const { paramsJson } = request;
  return `POST ${requestTarget(request.path, request.pairs)} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${paramsJson.length}\r\n\r\n${paramsJson}`;
}
