'use strict';
/** Who may change state: the bot always, a query never. Shared by state.js and query.js, not exported to bots. */

const REFUSAL =
  'State modifications are not allowed during query execution. ' +
  'Queries are read-only. Use state.get() to read state values.';

class ReadOnlyStateError extends Error {
  constructor(message) {
    super(message);
    this.name = 'ReadOnlyStateError';
  }
}

let servingQueries = false;

/** A single query runs on a copy of the state; a server looks at what the bot is working with, and must not touch it. */
function serveQueries() {
  servingQueries = true;
}

/** THE0_QUERY_STATE_WRITES=allow lets the handlers of a query server write, for bots that relied on it. */
function isReadOnly() {
  return Boolean(process.env.QUERY_PATH) || (servingQueries && process.env.THE0_QUERY_STATE_WRITES !== 'allow');
}

module.exports = { REFUSAL, ReadOnlyStateError, serveQueries, isReadOnly };
