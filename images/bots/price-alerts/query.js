/**
 * Queries to price-alerts. This is a program of its own, beside the bot: it may only read the bot's state, it answers while
 * the bot is busy, and what goes wrong here cannot hurt the bot.
 *
 *   /price              the latest price
 *   /alerts?limit=5     the latest alerts, newest first
 *   /stats              range, number of ticks and alerts
 *
 * /health and /info (a list of all paths) come with the SDK.
 */
const { query, state } = require('@alexanderwanyoike/the0-node');

query.handler('/price', () => {
  const market = state.get('market');
  // What a handler throws becomes the error that the caller reads.
  if (!market) throw new Error('No price yet: the bot has just been started for the first time');
  return { symbol: market.symbol, price: market.price };
});

query.handler('/alerts', (req) => {
  // Parameters of a URL are strings.
  const limit = Number(req.get('limit', '10'));
  if (!Number.isInteger(limit) || limit < 1) throw new Error('limit must be a whole number from 1');
  const alerts = state.get('alerts', []);
  return { total: alerts.length, alerts: alerts.slice(-limit).reverse() };
});

query.handler('/stats', () => {
  const market = state.get('market');
  if (!market) return { ticks: 0, alerts: 0 };
  const { symbol, low, high, ticks, since } = market;
  return { symbol, low, high, ticks, since, alerts: state.get('alerts', []).length };
});

query.run();
