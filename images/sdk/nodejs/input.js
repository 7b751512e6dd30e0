'use strict';
/** Input: what the bot was started with, and what it says while it runs. Environment variables are read at each call. */
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');

/** The bot's id and config, from BOT_ID and BOT_CONFIG. Throws when one is unset or empty, or when the config is not JSON. */
function parse() {
  const id = process.env.BOT_ID;
  if (!id) throw new Error('BOT_ID environment variable not set');
  const config = process.env.BOT_CONFIG;
  if (!config) throw new Error('BOT_CONFIG environment variable not set');
  try {
    return { id, config: JSON.parse(config) };
  } catch (problem) {
    throw new Error(`Failed to parse BOT_CONFIG as JSON: ${problem.message}`, { cause: problem });
  }
}

/** Writes a result that says the run went well. The program goes on. */
function success(message, data) {
  writeResult({ status: 'success', message, data });
}

/** Writes a result that says the run failed, and exits with code 1. */
function error(message, data) {
  writeResult({ status: 'error', message, data });
  process.exit(1);
}

/** Writes `resultData` as the result of the run. Each call overwrites the one before. */
function result(resultData) {
  writeResult(resultData);
}

/** Writes one metric line to standard output. `data` may override `_metric`, never `timestamp`. */
function metric(type, data) {
  console.log(JSON.stringify({ _metric: type, ...data, timestamp: new Date().toISOString() }));
}

/** Writes one log line to standard error: `log('text')`, `log('text', 'warn')`, `log('text', {…}, 'error')`. */
function log(message, dataOrLevel, level) {
  const isLevel = typeof dataOrLevel === 'string';
  const data = isLevel ? {} : dataOrLevel;
  const chosenLevel = (isLevel ? dataOrLevel : level) ?? 'info';
  console.error(JSON.stringify({ level: chosenLevel, message, ...data, timestamp: new Date().toISOString() }));
}

/** Resolves after `ms` milliseconds. */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Never throws: a bot must not fail because its result could not be stored. */
function writeResult(value) {
  try {
    const text = JSON.stringify(value);
    writeFileSync(join('/', process.env.CODE_MOUNT_DIR ?? 'bot', 'result.json'), text);
  } catch (problem) {
    console.error(`RESULT_ERROR: Failed to write result file: ${problem.message}`);
  }
}

module.exports = { parse, success, error, result, metric, log, sleep };
