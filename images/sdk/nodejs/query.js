'use strict';
/**
 * Queries: questions about a bot, answered by read-only handlers over HTTP.
 *
 *     query.handler('/trades', (req) => state.get('trades', []).slice(-Number(req.get('limit', '20'))));
 *     query.run();
 *
 * How `run` works depends on how the program was started:
 *
 *     QUERY_PATH is set      answers this one query into a file (the bot does not run all the time)
 *     BOT_TYPE is realtime   serves queries over HTTP until it is told to stop
 *     neither                answers /info into the file
 *
 * Parameters are JSON values in the first case and strings in the second, so convert: `Number(req.get('limit', '20'))`.
 */
const { ReadOnlyStateError, serveQueries } = require('./state-access.js');

/** Where the runtime looks for the answer of a single query. Our own THE0_QUERY_RESULT moves it. */
const DEFAULT_RESULT_FILE = '/query/result.json';
/** A single query that is answered but left timers or sockets open is ended after this time. */
const LINGER_MS = 2_000;

const handlers = new Map();
const stopCallbacks = [];
let config = {};
/** Parameters of a single query. */
let ephemeralParams = {};
/** Parameters of the request that the caller belongs to, in a server: requests run at the same time. */
let requestParams = null;

/** `fn` answers queries for exactly `path`. The last one for a path counts. */
function handler(path, fn) {
  handlers.set(path, fn);
}

/** `fn` is called when the query server was told to stop and has sent its last answer. It may be async. */
function onStop(fn) {
  stopCallbacks.push(fn);
}

/** A copy of the parameters of the query that is being answered. */
function getParams() {
  return { ...(requestParams?.getStore() ?? ephemeralParams) };
}

/** A copy of the bot's config. */
function getConfig() {
  return { ...config };
}

/** Whether the program was started to answer a single query. */
function isQueryMode() {
  return Boolean(process.env.QUERY_PATH);
}

/** Answers: one query and resolves, or a server that runs until it is told to stop and then exits with code 0. */
async function run() {
  config = jsonObject(process.env.BOT_CONFIG);
  if (!handlers.has('/health')) handler('/health', () => ({ status: 'ok' }));
  if (!handlers.has('/info')) handler('/info', () => ({ available_queries: [...handlers.keys()] }));
  const queryPath = process.env.QUERY_PATH;
  if (queryPath) await runEphemeral(queryPath);
  else if (process.env.BOT_TYPE === 'realtime') await runServer();
  else await runEphemeral('/info');
}

/** Writes the answer to a file. Exits with code 1 when it is an error. */
async function runEphemeral(path) {
  ephemeralParams = jsonObject(process.env.QUERY_PARAMS);
  const { status, body } = await answer(path, ephemeralParams);
  const text = status === 404 ? JSON.stringify({ ...JSON.parse(body), available: [...handlers.keys()] }) : body;
  const file = process.env.THE0_QUERY_RESULT || DEFAULT_RESULT_FILE;
  try {
    const { mkdirSync, writeFileSync } = require('node:fs');
    mkdirSync(require('node:path').dirname(file), { recursive: true });
    writeFileSync(file, text);
  } catch (problem) {
    console.error(`RESULT_ERROR: Failed to write result file: ${problem.message}`);
  }
  if (status !== 200) process.exit(1);
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

async function runServer() {
  const { AsyncLocalStorage } = require('node:async_hooks');
  const { startQueryServer } = require('./query-server.js');
  requestParams = new AsyncLocalStorage();
  serveQueries();
  const answerRequest = async (path, params) => {
    const result = await requestParams.run(params, answer, path, params);
    if (result.problem !== undefined) say('error', `Query ${path} failed: ${placeOf(result.problem)}`);
    return result;
  };
  const host = process.env.THE0_QUERY_HOST || '0.0.0.0';
  const portText = process.env.THE0_QUERY_PORT || '9476';
  const server = startQueryServer({ host, port: portNumber(portText), answer: answerRequest });
  try {
    const port = await server.listening;
    say('info', `Query server started on port ${port}`);
  } catch (problem) {
    console.error(`Query server cannot listen on ${host}:${portText}: ${problem.message}`);
    process.exit(1);
  }
  await server.stopped;
  for (const callback of stopCallbacks) {
    try {
      await callback();
    } catch (problem) {
      say('error', `An onStop callback failed: ${placeOf(problem)}`);
    }
  }
  process.exit(0);
}

/** HTTP status and JSON text. Whatever a handler does, there is an answer, and it is valid JSON. Never rejects. */
async function answer(path, params) {
  const fn = handlers.get(path);
  if (!fn) return failure(404, `No handler for path: ${path}`);
  try {
    const req = { path, params, get: (key, defaultValue) => params[key] ?? defaultValue };
    return { status: 200, body: JSON.stringify({ status: 'ok', data: await fn(req) }) };
  } catch (problem) {
    return { ...failure(500, textOf(problem)), problem };
  }
}

function failure(status, text) {
  return { status, body: JSON.stringify({ status: 'error', error: text }) };
}

/** What was thrown, as text: a plain Error by its message alone, others with their name. */
function textOf(problem) {
  try {
    return problem?.name === 'Error' && problem.message ? String(problem.message) : String(problem);
  } catch {
    return 'The handler threw something that cannot be shown as text';
  }
}

/** The error and the first line of its stack, for the log. */
function placeOf(problem) {
  const place = /\(?([^\s()]+:\d+):\d+\)?\n/.exec(`${problem?.stack ?? ''}\n`)?.[1];
  return place ? `${textOf(problem)} (${place})` : textOf(problem);
}

function portNumber(text) {
  const port = Number.parseInt(text, 10);
  if (port >= 0 && port < 65536) return port;
  throw new RangeError(`THE0_QUERY_PORT must be a port number, not '${text}'`);
}

function jsonObject(text) {
  try {
    const value = JSON.parse(text || '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {}; // as ever: bad parameters are no parameters
  }
}

function say(level, message) {
  console.error(JSON.stringify({ _log: level, message, timestamp: new Date().toISOString() }));
}

module.exports = { handler, onStop, getParams, getConfig, isQueryMode, run, ReadOnlyStateError };
