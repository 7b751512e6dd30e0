/**
 * price-alerts: follows a price and raises an alert whenever it crosses a level (each multiple of `alert_step`).
 *
 * There is no network here: the price is a random walk. What is real is everything around it, and that is what a bot is
 * made of: a config, a loop, state that survives restarts, metrics, a log, and a clean end.
 *
 * The runtime loads this file and calls `main(botId, config)`; `config` is the object from bot.json.
 */
const { log, metric, sleep, state } = require('@alexanderwanyoike/the0-node');

// State is one JSON file per key and is written as a whole, so nothing in it may grow for ever.
const MAX_ALERTS = 100;

exports.main = async function main(botId, config) {
  const symbol = config.symbol ?? 'BTC/USD';
  const startPrice = config.start_price ?? 64_000;
  const volatilityPercent = config.volatility_percent ?? 0.15;
  const alertStep = config.alert_step ?? 250;
  const tickMs = config.tick_ms ?? 1000;

  // The state of the run before, or that of a first run. query.js reads the same keys.
  const market = state.get('market') ?? {
    symbol,
    price: startPrice,
    low: startPrice,
    high: startPrice,
    ticks: 0,
    since: new Date().toISOString(),
  };
  const alerts = state.get('alerts', []);
  log('Bot started', { bot: botId, symbol, price: market.price, ticksBefore: market.ticks });

  // The runtime asks a bot to end with SIGTERM and waits a while. What is saved here is there at the next start.
  process.on('SIGTERM', () => {
    state.set('market', market);
    log('Bot stopped', { ticks: market.ticks });
    process.exit(0);
  });

  for (;;) {
    const previous = market.price;
    market.price = nextPrice(previous, volatilityPercent);
    market.low = Math.min(market.low, market.price);
    market.high = Math.max(market.high, market.price);
    market.ticks += 1;

    const level = crossedLevel(previous, market.price, alertStep);
    if (level !== null) {
      const direction = market.price > previous ? 'up' : 'down';
      const alert = { symbol, level, direction, price: market.price, at: new Date().toISOString() };
      alerts.push(alert);
      alerts.splice(0, alerts.length - MAX_ALERTS);
      state.set('alerts', alerts);
      metric('alert', alert);
    }

    // A metric is one line of JSON on standard output; the platform draws charts from them.
    metric('price', { symbol, value: market.price });
    // Saved at each tick, so that a crash costs no more than one. A write is atomic: never half a value.
    state.set('market', market);
    await sleep(tickMs);
  }
};

/** One step of a random walk, up to `volatilityPercent` up or down. */
function nextPrice(price, volatilityPercent) {
  const change = (Math.random() * 2 - 1) * (volatilityPercent / 100);
  return Math.round(price * (1 + change) * 100) / 100;
}

/** The multiple of `step` between two prices, or null when there is none. */
function crossedLevel(from, to, step) {
  if (Math.floor(from / step) === Math.floor(to / step)) return null;
  return Math.floor(Math.max(from, to) / step) * step;
}
