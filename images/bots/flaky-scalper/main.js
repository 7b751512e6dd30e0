/**
 * flaky-scalper: crashes on purpose, every 20 to 40 seconds, each time in another way. It shows what happens to a bot that
 * crashes: the runtime starts it again, its state is still there, and no other bot notices.
 *
 * Watch it with `why flaky-scalper`. The runtime waits longer between restarts the more often a bot crashes; to see
 * more or fewer crashes, edit `crash_after_seconds` in bot.json while it runs.
 */
const { log, metric, sleep, state } = require('@alexanderwanyoike/the0-node');

const MAX_CRASHES = 50;

// The ways in which real bots die.
const CRASHES = {
  exception: () => {
    throw new Error('Crashed on purpose: an exception that nobody caught');
  },
  'exit code 3': () => process.exit(3),
  // As when the machine runs out of memory: no handler runs, nothing can be saved any more.
  'SIGKILL from itself': () => process.kill(process.pid, 'SIGKILL'),
};

exports.main = async function main(_botId, config) {
  const [least, most] = config.crash_after_seconds ?? [20, 40];
  const tickMs = config.tick_ms ?? 1000;

  const history = state.get('history') ?? { starts: 0, crashes: [], scalps: 0 };
  history.starts += 1;
  state.set('history', history);

  // The next way on the list at each crash.
  const ways = Object.keys(CRASHES);
  const way = ways[history.crashes.length % ways.length];
  const runSeconds = Math.round((least + Math.random() * (most - least)) * 10) / 10;
  log(`Started for the ${ordinal(history.starts)} time, will crash on purpose in ${runSeconds} s: ${way}`, 'warn');

  // Told to stop, it does not crash: it ends like any other bot.
  process.on('SIGTERM', () => {
    log('Stopped before the next crash', { scalps: history.scalps });
    process.exit(0);
  });

  const crashAt = Date.now() + runSeconds * 1000;
  while (Date.now() < crashAt) {
    await sleep(Math.min(tickMs, Math.max(0, crashAt - Date.now())));
    history.scalps += 1;
    metric('scalp', { total: history.scalps, profit: Math.round((Math.random() - 0.45) * 100) / 100 });
    state.set('history', history);
  }

  history.crashes = [...history.crashes, { way, afterSeconds: runSeconds, at: new Date().toISOString() }];
  history.crashes = history.crashes.slice(-MAX_CRASHES);
  state.set('history', history);
  log(`Crashing on purpose now: ${way}`, 'error');
  CRASHES[way]();
};

function ordinal(number) {
  const suffix = { 1: 'st', 2: 'nd', 3: 'rd' }[number % 10];
  const isTeen = number % 100 >= 11 && number % 100 <= 13;
  return `${number}${(!isTeen && suffix) || 'th'}`;
}
