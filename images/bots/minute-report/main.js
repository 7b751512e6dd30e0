/**
 * minute-report: a scheduled bot. The runtime runs it at the times of `config.schedule` (here: every minute), it does one
 * thing, and ends. What it must remember until the next time it keeps in its state.
 *
 * There is no network here: prices move at random around those in the config.
 */
const { log, metric, state } = require('@alexanderwanyoike/the0-node');

// State is written as a whole, so nothing in it may grow for ever.
const MAX_REPORTS = 60;

exports.main = async function main(_botId, config) {
  const worth = Object.entries(config.holdings ?? {}).map(([asset, amount]) => {
    const price = (config.prices?.[asset] ?? 0) * (asset === 'USD' ? 1 : 1 + (Math.random() - 0.5) / 50);
    return { asset, value: Math.round(amount * price * 100) / 100 };
  });
  const total = Math.round(worth.reduce((sum, { value }) => sum + value, 0) * 100) / 100;

  const reports = state.get('reports', []);
  const change = reports.length === 0 ? 0 : Math.round((total - reports.at(-1).total) * 100) / 100;
  reports.push({ at: new Date().toISOString(), total, change, worth });
  state.set('reports', reports.slice(-MAX_REPORTS));

  metric('portfolio_value', { value: total, change });
  log('Report written', { total, change });
  // What `main` gives back is the result of the run. A run that throws counts as failed; `why` shows it.
  return { total, change };
};
