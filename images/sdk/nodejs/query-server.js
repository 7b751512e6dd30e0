'use strict';
/**
 * The query server: `node:http` with limits, JSON error answers and a graceful end.
 *
 * On SIGTERM or SIGINT it stops accepting and finishes what was asked; `stopped` then resolves.
 */
const { createServer } = require('node:http');

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_BODY_BYTES = 1024 * 1024;
/** A request that has begun must be there as a whole after this time. */
const REQUEST_MS = 10_000;
/** An open connection without a request; longer than clients keep theirs, so that the client is the one who closes. */
const IDLE_MS = 120_000;
/** What was asked before a stop signal may still be answered for this time. */
const STOP_MS = 5_000;
const MAX_CONNECTIONS = 1_024;

/** Errors of Node's HTTP parser and what they mean to a client; anything else is a 400. */
const PARSER_ERRORS = {
  HPE_HEADER_OVERFLOW: [431, `The request head is longer than ${MAX_HEAD_BYTES} bytes`],
  ERR_HTTP_REQUEST_TIMEOUT: [408, `The request did not arrive within ${REQUEST_MS / 1000} s`],
};

/**
 * `answer(path, params)` resolves to `{ status, body }` and never rejects. `listening` resolves to the port, or rejects
 * when the address cannot be bound.
 */
function startQueryServer({ host, port, answer }) {
  const limits = {
    maxHeaderSize: MAX_HEAD_BYTES,
    requestTimeout: REQUEST_MS,
    headersTimeout: REQUEST_MS,
    keepAliveTimeout: IDLE_MS,
    connectionsCheckingInterval: 2_000,
  };
  const server = createServer(limits, (request, response) => handle(request, response, answer, server));
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', refuseBytes);
  const listening = new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, 128, () => resolve(server.address().port));
  });
  const stopped = new Promise((resolve) => {
    const stop = () => {
      server.close(resolve);
      server.closeIdleConnections(); // Node 18 does not do it by itself
      setTimeout(resolve, STOP_MS);
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
  });
  return { listening, stopped };
}

function handle(request, response, answer, server) {
  const chunks = [];
  let size = 0;
  request.on('error', () => {}); // the client went away before it had asked: nobody is left to answer
  request.on('data', (chunk) => {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else if (!response.headersSent) {
      const message = `The request body is longer than ${MAX_BODY_BYTES} bytes`;
      send(response, 413, JSON.stringify({ status: 'error', error: message }), false);
    }
  });
  request.on('end', async () => {
    if (response.headersSent) return;
    const { path, params } = readTarget(request.url, Buffer.concat(chunks));
    const { status, body } = await answer(path, params);
    send(response, status, body, server.listening);
  });
}

function send(response, status, body, keepAlive) {
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  if (!keepAlive) headers.Connection = 'close';
  response.writeHead(status, headers).end(body);
}

/** Path and parameters. Of a repeated key the last value counts, and blank values stay. Those of the URL win over the body's. */
function readTarget(target, body) {
  const url = parseUrl(target);
  // fromEntries defines own properties, so that a key like __proto__ is a parameter like any other.
  const params = Object.fromEntries([...bodyParams(body), ...(url ? url.searchParams : [])]);
  return { path: url ? url.pathname : target, params };
}

function parseUrl(target) {
  try {
    // Joined as text: `new URL('//x', base)` would take x for a host.
    return new URL(target.startsWith('/') ? `http://localhost${target}` : target);
  } catch {
    return null; // `OPTIONS *` and the like: a path that no handler has
  }
}

/** Parameters of a JSON body, as the strings they would be in a URL. Anything else in a body is none of ours. */
function bodyParams(body) {
  if (body.length === 0) return [];
  try {
    const value = JSON.parse(body.toString());
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
    return Object.entries(value)
      .filter(([, param]) => param !== null)
      .map(([key, param]) => [key, typeof param === 'string' ? param : JSON.stringify(param)]);
  } catch {
    return [];
  }
}

/** Bytes that are no request. */
function refuseBytes(problem, socket) {
  if (!socket.writable) return socket.destroy();
  const [status, message] = PARSER_ERRORS[problem.code] ?? [400, 'The request is not HTTP/1.x'];
  const body = JSON.stringify({ status: 'error', error: message });
  socket.end(
    `HTTP/1.1 ${status} ${require('node:http').STATUS_CODES[status]}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

module.exports = { startQueryServer };
