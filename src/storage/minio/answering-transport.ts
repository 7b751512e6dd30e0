import http from 'node:http';
import https from 'node:https';

/** What the `minio` package sends through. */
export type Transport = Pick<typeof http, 'request'>;

interface Call {
  readonly signal: AbortSignal;
  readonly silenceMs: number;
  answer(response: http.IncomingMessage): void;
  fail(error: Error): void;
}

/** Sends one request with a signal and a deadline, and keeps the answer for the call: the package never sees it. */
export function answeringTransport(ssl: boolean, call: Call): Transport {
  function send(options: string | URL | http.RequestOptions): http.ClientRequest {
    // The package has taken it apart already.
    if (typeof options === 'string' || options instanceof URL) throw new TypeError('a request needs options');
    const own = { ...options, signal: call.signal };
    const request = ssl ? https.request(own) : http.request(own);
    request.setTimeout(call.silenceMs, () => {
      request.destroy(new Error(`no sign of the store for ${call.silenceMs} ms`));
    });
    request.once('response', (response) => {
      // From here on the reader has the time it wants.
      request.setTimeout(0);
      call.answer(response);
    });
    request.on('error', call.fail);
    return request;
  }
  return { request: send };
}
