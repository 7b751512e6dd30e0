/**
 * Runs a Node bot: loads its file and calls `main(botId, config)` (contract 6.6).
 *
 * What happens                             Exit code   result.json
 * resolves with something truthy           0           that value
 * resolves with something falsy            0           success, unless the bot wrote its own
 * throws or rejects                        1           error; stderr ends with EXECUTE_ERROR:
 * process.exit(n), the SDK's error()       n           as the bot wrote it, else error if n is not 0
 * uncaught error outside of main           1           as the bot wrote it, else error
 * cannot be loaded, has no function        1           error; stderr ends with IMPORT_ERROR:
 * bad config, no code directory            1           not written; stderr ends with CONFIG_ERROR:, CHDIR_ERROR:
 * main never settles, nothing is left to do   0        not written; a line on stderr says so
 * SIGTERM or SIGINT, no listener of its own   0        terminated; 'exit' listeners run
 *
 * The function is `module.main`, else `module.default`, else the module. CommonJS first; an ES module is imported.
 */
const fs = require('node:fs');
const path = require('node:path');

const codeDir = `/${process.env.CODE_MOUNT_DIR || 'bot'}`;
const script = process.env.SCRIPT_PATH || 'main.js';
const resultPath = path.join(codeDir, 'result.json');

/** Ends with the line from which the agent knows what is wrong. */
function fail(prefix, message) {
  process.stderr.write(`${prefix}: ${message.replace(/\s*\n\s*/g, ' ')}\n`);
  process.exitCode = 1;
}

function describe(error) {
  return error instanceof Error ? error.message : String(error);
}

/** Of a text that is not JavaScript, where: Node tells it only in the first line of the stack (`/bot/main.js:12`). */
function describeLoadError(error) {
  if (!(error instanceof SyntaxError)) return describe(error);
  const place = /^(\/.+:\d+)\n/.exec(error.stack)?.[1];
  if (place === undefined) return String(error);
  return `${error} (${place.startsWith(`${codeDir}/`) ? place.slice(codeDir.length + 1) : place})`;
}

/** Changes whenever somebody writes the file: what the bot itself wrote there (the SDK's success, error, result) stands. */
function resultSignature() {
  const stat = fs.statSync(resultPath, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino}:${stat.size}:${stat.mtimeNs}`;
}

const signatureAtStart = resultSignature();

function writeResult(value) {
  try {
    fs.writeFileSync(resultPath, JSON.stringify(value));
  } catch (error) {
    process.stderr.write(`RESULT_ERROR: Failed to write result file: ${describe(error)}\n`);
  }
}

function writeResultUnlessBotDid(status, message) {
  if (resultSignature() === signatureAtStart) writeResult({ status, message });
}

/** What was written to a pipe may still be on its way; a reader that has stopped reading is not waited for. */
function exitAfterOutput(code) {
  const exit = () => process.exit(code);
  setTimeout(exit, 1000).unref();
  process.stdout.write('', () => process.stderr.write('', exit));
}

/** Default action of a signal, but with the result written; gone as soon as the bot listens itself. */
function terminateOn(signal) {
  const terminate = () => {
    settled = true;
    writeResultUnlessBotDid('terminated', 'Bot execution terminated by signal');
    process.exit(0);
  };
  process.on(signal, terminate);
  // Libraries that count listeners (signal-exit) must find only the bot's. Not at once: this event comes before the new
  // listener is there, and Node stops watching a signal that nobody listens for.
  process.on('newListener', (event, listener) => {
    if (event !== signal || listener === terminate) return;
    queueMicrotask(() => {
      if (process.listenerCount(signal) > 1) process.removeListener(signal, terminate);
    });
  });
  process.on('removeListener', (event, listener) => {
    if (event === signal && listener !== terminate && process.listenerCount(signal) === 0)
      process.on(signal, terminate);
  });
}

let settled = false;

/** `require` cannot load every ES module: on older versions none, and none that awaits at its top level. */
async function load(file) {
  if (file.endsWith('.mjs')) return importModule(file);
  try {
    return require(file);
  } catch (error) {
    if (error instanceof Error && ['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'].includes(error.code))
      return importModule(file);
    throw error;
  }
}

function importModule(file) {
  return import(require('node:url').pathToFileURL(file).href);
}

async function run(config) {
  let main;
  try {
    const loaded = await load(path.join(codeDir, script));
    main = [loaded?.main, loaded?.default, loaded].find((candidate) => candidate !== undefined && candidate !== null);
    if (typeof main !== 'function') throw new Error(`${script} exports no function main(botId, config)`);
  } catch (error) {
    settled = true;
    if (error instanceof Error) process.stderr.write(`${error.stack}\n`);
    writeResult({ status: 'error', message: describe(error) });
    fail('IMPORT_ERROR', `cannot load ${script}: ${describeLoadError(error)}`);
    return exitAfterOutput(1);
  }
  try {
    const value = await main(process.env.BOT_ID || '', config);
    settled = true;
    if (value) writeResult(value);
    else writeResultUnlessBotDid('success', 'Bot executed successfully');
    exitAfterOutput(0);
  } catch (error) {
    settled = true;
    if (error instanceof Error) process.stderr.write(`${error.stack}\n`);
    writeResult({ status: 'error', message: describe(error) });
    fail('EXECUTE_ERROR', describe(error));
    exitAfterOutput(1);
  }
}

function start() {
  try {
    process.chdir(codeDir);
  } catch (error) {
    return fail('CHDIR_ERROR', `cannot enter ${codeDir}: ${describe(error)}`);
  }
  let config;
  try {
    config = JSON.parse(process.env.BOT_CONFIG || '{}');
  } catch (error) {
    return fail('CONFIG_ERROR', `BOT_CONFIG is not JSON: ${describe(error)}`);
  }
  terminateOn('SIGTERM');
  terminateOn('SIGINT');
  process.on('exit', (code) => {
    if (!settled && code !== 0) writeResultUnlessBotDid('error', `Bot exited with code ${code}`);
  });
  process.once('beforeExit', () => {
    if (!settled)
      process.stderr.write('main() has not settled, and nothing is left that could settle it: the bot ends\n');
  });
  void run(config);
}

start();
