'use strict';
/**
 * State: a key/value store of JSON files that survives restarts of the bot.
 *
 * Each key is one file `<STATE_DIR>/<key>.json`. A write replaces the file as a whole, so that neither a crash in the
 * middle nor a query that reads at the same moment ever sees half a value:
 *
 *     value ──► JSON text ──► .<key>.json.tmp-<pid>-<n> ──► fsync ──► rename to <key>.json
 *
 * The file is synced to disk, the directory is not: after a power failure a key holds its old or its new value, whole.
 *
 * Queries only read: inside one, set, remove and clear throw ReadOnlyStateError.
 */
const fs = require('node:fs');
const { join } = require('node:path');
const access = require('./state-access.js');

const DEFAULT_DIR = '/state/.the0-state';
const SUFFIX = '.json';
const TEMP_MARK = '.json.tmp-';
/** 255 bytes is the longest file name of the common file systems. */
const MAX_KEY_BYTES = 255 - SUFFIX.length;
/** A write takes milliseconds, so a temporary file of this age was left by a process that is gone. */
const STALE_TEMP_MS = 60_000;

let tempNumber = 0;
const sweptDirs = new Set();
const warnedPaths = new Set();

/** The value of `key`, or `defaultValue` when it cannot be read. A file that is not JSON is said on stderr, once. */
function get(key, defaultValue) {
  const path = pathOf(key);
  let text;
  try {
    text = fs.readFileSync(path, 'utf8');
  } catch {
    return defaultValue; // no such key (or, as ever, a file that cannot be read)
  }
  try {
    return JSON.parse(text);
  } catch (problem) {
    if (!warnedPaths.has(path)) {
      warnedPaths.add(path);
      const message = `State key '${key}' does not hold valid JSON, its default is used: ${problem.message}`;
      console.error(JSON.stringify({ level: 'warn', message, timestamp: new Date().toISOString() }));
    }
    return defaultValue;
  }
}

/** Stores `value` under `key`. The old value stays when JSON cannot hold the new one (TypeError). */
function set(key, value) {
  checkWritable();
  const path = pathOf(key);
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`State key '${key}' cannot hold ${typeof value}: JSON has no such value`);
  sweepTempFiles();
  const temp = openTemp(key);
  try {
    try {
      fs.writeFileSync(temp.descriptor, text);
      fs.fsyncSync(temp.descriptor);
    } finally {
      fs.closeSync(temp.descriptor);
    }
    fs.renameSync(temp.path, path);
  } catch (problem) {
    unlink(temp.path);
    throw problem;
  }
}

/** Removes `key`. False when there was none. Exported as `delete` too. */
function remove(key) {
  checkWritable();
  return unlink(pathOf(key));
}

/** All keys, in no particular order. */
function list() {
  return names()
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length));
}

/** Removes all keys. Other files in the directory stay. */
function clear() {
  checkWritable();
  for (const key of list()) unlink(join(dir(), key + SUFFIX));
}

function exists(key) {
  return fs.existsSync(pathOf(key));
}

function dir() {
  return process.env.STATE_DIR || DEFAULT_DIR;
}

function pathOf(key) {
  if (!key) throw new Error('State key cannot be empty');
  if (key.includes('/') || key.includes('\\') || key.includes('..')) {
    throw new Error("State key cannot contain path separators or '..'");
  }
  if (key === '.' || key.endsWith(' ') || key.includes('\0')) {
    throw new Error("State key cannot be '.', end with a blank or contain a NUL character");
  }
  const size = Buffer.byteLength(key);
  if (size > MAX_KEY_BYTES) {
    throw new Error(`State key is too long: ${size} bytes, at most ${MAX_KEY_BYTES} fit into a file name`);
  }
  return join(dir(), key + SUFFIX);
}

function checkWritable() {
  if (access.isReadOnly()) throw new access.ReadOnlyStateError(access.REFUSAL);
}

function openTemp(key) {
  for (;;) {
    // 50 characters are at most 150 bytes: room for the rest of the name.
    const path = join(dir(), `.${key.slice(0, 50)}${TEMP_MARK}${process.pid}-${++tempNumber}`);
    try {
      return { path, descriptor: fs.openSync(path, 'wx') };
    } catch (problem) {
      if (problem.code === 'ENOENT') fs.mkdirSync(dir(), { recursive: true });
      // EEXIST: left by a killed process that had the same pid, or another thread's; the number grows until a name is free.
      else if (problem.code !== 'EEXIST') throw problem;
    }
  }
}

/** Once per directory, removes what killed processes left in the middle of a write. */
function sweepTempFiles() {
  if (sweptDirs.has(dir())) return;
  sweptDirs.add(dir());
  for (const name of names()) {
    if (!name.startsWith('.') || !name.includes(TEMP_MARK)) continue;
    const path = join(dir(), name);
    const facts = fs.statSync(path, { throwIfNoEntry: false });
    if (facts && Date.now() - facts.mtimeMs > STALE_TEMP_MS) unlink(path);
  }
}

function names() {
  try {
    return fs.readdirSync(dir());
  } catch (problem) {
    if (problem.code === 'ENOENT') return [];
    throw problem;
  }
}

function unlink(path) {
  try {
    fs.unlinkSync(path);
    return true;
  } catch (problem) {
    if (problem.code === 'ENOENT') return false;
    throw problem;
  }
}

module.exports = {
  get,
  set,
  remove,
  delete: remove,
  list,
  clear,
  exists,
  ReadOnlyStateError: access.ReadOnlyStateError,
};
