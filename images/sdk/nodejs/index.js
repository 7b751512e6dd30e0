'use strict';
/**
 * SDK of the0 for bots in Node.js.
 *
 * *Input* (input.js) reads what the bot was started with and writes its result, metrics and log. *State* (state.js) is a
 * key/value store that survives restarts. *Queries* (query.js) answer questions about the bot over HTTP.
 *
 * Plain CommonJS without a build step; index.mjs gives the same objects to `import`, index.d.ts describes them.
 */
const { parse, success, error, result, metric, log, sleep } = require('./input.js');
const state = require('./state.js');
const query = require('./query.js');

const the0 = { parse, success, error, result, metric, log, sleep, state, query };

module.exports = { ...the0, default: the0 };
// Tells compilers that turned `import the0 from …` into `require` to take `default`.
Object.defineProperty(module.exports, '__esModule', { value: true });
