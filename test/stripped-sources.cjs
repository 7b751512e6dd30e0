'use strict';
// Loaded by test/run.ts before anything else in every process of a test run. Node strips types from each source anew in each
// process and each of its threads, which is more than half the time that most of them take. What it made of a source is
// kept here: the same text at the same places, so what runs is the same.
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const nodeModule = require('node:module');
const { join, resolve, sep } = require('node:path');
const { fileURLToPath } = require('node:url');

const ROOT = resolve(__dirname, '..') + sep;
/** Ignored by git; can be deleted at any time. */
const CACHE = join(ROOT, '.cache/stripped', process.version);

function stripped(path) {
  const code = readFileSync(path, 'utf8');
  const digest = createHash('sha1').update(code).digest('hex');
  const kept = join(CACHE, createHash('sha1').update(path).digest('hex'));
  try {
    const text = readFileSync(kept, 'utf8');
    if (text.startsWith(digest)) return text.slice(digest.length);
  } catch {
    // Not there yet.
  }
  const source = nodeModule.stripTypeScriptTypes(code);
  mkdirSync(CACHE, { recursive: true });
  // Others read while this is written.
  const draft = `${kept}.${process.pid}.${process.hrtime.bigint()}`;
  writeFileSync(draft, digest + source);
  renameSync(draft, kept);
  return source;
}

// Bots in tests may run on an older Node.
nodeModule.registerHooks?.({
  load(url, context, nextLoad) {
    const isOurs = url.startsWith('file:') && url.endsWith('.ts') && fileURLToPath(url).startsWith(ROOT);
    if (!isOurs) return nextLoad(url, context);
    return { format: 'module', source: stripped(fileURLToPath(url)), shortCircuit: true };
  },
});
