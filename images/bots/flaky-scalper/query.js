/**
 * Queries to flaky-scalper. They are answered by a program beside the bot, which reads the bot's state.
 *
 *   /crashes?limit=5    how often it started and crashed, and its latest crashes, newest first
 */
const { query, state } = require('@alexanderwanyoike/the0-node');

query.handler('/crashes', (req) => {
  const limit = Number(req.get('limit', '10'));
  if (!Number.isInteger(limit) || limit < 1) throw new Error('limit must be a whole number from 1');
  const { starts, crashes, scalps } = state.get('history', { starts: 0, crashes: [], scalps: 0 });
  return { starts, scalps, crashes: crashes.slice(-limit).reverse() };
});

query.run();
