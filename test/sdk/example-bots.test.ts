import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ask, dataOf, type QueryServer, startQueryServer } from './query-client.ts';
import {
  type RunningProgram,
  SDK_DRIVERS,
  type SdkDriver,
  scratchDirectory,
  startProgram,
  stateDirectory,
  until,
} from './sdk-driver.ts';

const IMAGES = resolve(import.meta.dirname, '../../images');

describe('The example bots', { concurrency: 3 }, () => {
  it('are all tested here, and each says what it is', () => {
    const folders = readdirSync(join(IMAGES, 'bots'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    assert.deepEqual(folders.map((folder) => folder.name).sort(), [
      'flaky-scalper',
      'grid-trader',
      'minute-report',
      'price-alerts',
    ]);
    for (const { name } of folders) {
      const { id, config, custom, enabled } = manifestOf(name);
      const type = name === 'minute-report' ? 'scheduled' : 'realtime';
      assert.deepEqual([id, enabled, custom.config.type], [name, true, type]);
      assert.equal(typeof config, 'object');
      for (const file of Object.values(custom.config.entrypoints)) {
        assert.ok(existsSync(join(IMAGES, 'bots', name, file)), `${name}/${file}`);
      }
    }
  });

  it('price-alerts follows a price, raises alerts, answers, and goes on after a restart', async (t) => {
    const bot = botOf(t, 'Node', 'price-alerts', { tick_ms: 5, alert_step: 20 });
    const query = await bot.serve();
    assert.equal((await ask(query, '/price')).status, 500);
    const first = bot.start();
    await until(() => existsSync(join(bot.state, 'alerts.json')), 'an alert');
    await until(async () => (await ask(query, '/price')).status === 200, 'a price');
    const price = await dataOf(query, '/price');
    assert.match(JSON.stringify(price), /^\{"symbol":"BTC\/USD","price":\d+(\.\d+)?\}$/);
    const alerts = await dataOf(query, '/alerts?limit=1');
    assert.match(
      JSON.stringify(alerts),
      /^\{"total":\d+,"alerts":\[\{"symbol":"BTC\/USD","level":\d+,"direction":"(up|down)",/,
    );
    assert.deepEqual((await ask(query, '/alerts?limit=none')).status, 500);
    await assertStopsWell(first);
    const before = numberIn(await dataOf(query, '/stats'), 'ticks');
    assert.ok(before > 0);

    const second = bot.start();
    await until(() => second.output().stdout.split('\n').length > 3, 'ticks of the second run');
    await assertStopsWell(second);
    assert.ok(second.output().stderr.includes(`"ticksBefore":${before}`), second.output().stderr);
    assert.ok(numberIn(await dataOf(query, '/stats'), 'ticks') > before);
    assert.match(second.output().stdout, /^\{"_metric":"price","symbol":"BTC\/USD","value":\d/m);
  });

  const python = SDK_DRIVERS.find((driver) => driver.language === 'Python');
  it('grid-trader trades, answers, and goes on after a restart', { skip: python?.skip ?? false }, async (t) => {
    const bot = botOf(t, 'Python', 'grid-trader', { tick_seconds: 0.005, grid_percent: 0.1 });
    const query = await bot.serve();
    assert.equal((await ask(query, '/portfolio')).status, 500);
    const first = bot.start();
    await until(() => first.output().stdout.includes('"side": "sell"'), 'a sale');
    const trades = await dataOf(query, '/trades?limit=1');
    assert.match(JSON.stringify(trades), /^\{"total":\d+,"trades":\[\{"side":"(buy|sell)","size":0\.\d+,"price":\d/);
    assert.equal((await ask(query, '/trades?limit=0')).status, 500);
    await assertStopsWell(first);
    const { cash, held, value } = numbersIn(await dataOf(query, '/portfolio'), ['cash', 'held', 'value']);
    assert.ok(
      cash !== undefined && held !== undefined && value !== undefined && cash >= 0 && value > 5_000 && held >= 0,
    );
    const before = numberIn(await dataOf(query, '/status'), 'ticks');

    const second = bot.start();
    await until(() => second.output().stdout.split('\n').length > 3, 'ticks of the second run');
    await assertStopsWell(second);
    assert.ok(numberIn(await dataOf(query, '/status'), 'ticks') > before);
  });

  it('minute-report writes one report each time it runs, and ends', async (t) => {
    const bot = botOf(t, 'Node', 'minute-report', {});
    const query = await bot.serve();
    assert.equal((await ask(query, '/latest')).status, 500);
    for (let run = 0; run < 2; run += 1) {
      const { code, stdout } = await bot.start().exit;
      assert.equal(code, 0);
      assert.match(stdout, /^\{"_metric":"portfolio_value","value":\d/m);
    }
    const reports = await dataOf(query, '/reports?limit=1');
    assert.equal(numberIn(reports, 'total'), 2);
    assert.match(JSON.stringify(reports), /"reports":\[\{"at":"[^"]+","total":\d+(\.\d+)?,"change":-?\d/);
    assert.equal((await ask(query, '/reports?limit=none')).status, 500);
  });

  it('flaky-scalper crashes in each of its ways, and remembers', async (t) => {
    const bot = botOf(t, 'Node', 'flaky-scalper', { crash_after_seconds: [0.05, 0.1], tick_ms: 20 });
    const query = await bot.serve();
    assert.deepEqual(await dataOf(query, '/crashes'), { starts: 0, scalps: 0, crashes: [] });
    const exits = [];
    for (let run = 0; run < 4; run += 1) {
      const { code, signal, stderr } = await bot.start().exit;
      assert.match(stderr, /Crashing on purpose now: /);
      exits.push(signal ?? code);
    }
    assert.deepEqual(exits, [1, 3, 'SIGKILL', 1]);
    const crashes = await dataOf(query, '/crashes?limit=2');
    assert.equal(numberIn(crashes, 'starts'), 4);
    assert.match(JSON.stringify(crashes), /"crashes":\[\{"way":"exception",.*\{"way":"SIGKILL from itself",/);
  });

  it('flaky-scalper ends well when it is told to stop', async (t) => {
    const bot = botOf(t, 'Node', 'flaky-scalper', {});
    const running = bot.start();
    await until(() => running.output().stderr.includes('Started for the 1st time'), 'the start');
    await assertStopsWell(running);
  });
});

interface Manifest {
  readonly id: string;
  readonly enabled: boolean;
  readonly config: Record<string, unknown>;
  readonly custom: { readonly config: { readonly type: string; readonly entrypoints: { bot: string; query: string } } };
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(IMAGES, 'bots', name, 'bot.json'), 'utf8'));
}

/** A copy of an example bot, run as the runtime does it: by the wrapper, with changes to its config that make it fast. */
function botOf(t: TestContext, language: SdkDriver['language'], name: string, changes: Record<string, unknown>) {
  const driver = SDK_DRIVERS.find((candidate) => candidate.language === language);
  assert.ok(driver);
  const scratch = scratchDirectory(t);
  const code = join(scratch, 'code');
  cpSync(join(IMAGES, 'bots', name), code, { recursive: true });
  const { id, config, custom } = manifestOf(name);
  const env = {
    BOT_ID: id,
    BOT_CONFIG: JSON.stringify({ ...config, ...changes }),
    BOT_TYPE: 'realtime',
    CODE_MOUNT_DIR: code.slice(1),
    SCRIPT_PATH: custom.config.entrypoints.bot,
  };
  // Copied, as in the image: no package.json of this project says what kind of module it is.
  const wrapperName = language === 'Python' ? 'python_bot.py' : 'node_bot.js';
  const wrapper = join(scratch, wrapperName);
  cpSync(join(IMAGES, 'wrappers', wrapperName), wrapper);
  return {
    state: stateDirectory(scratch),
    start: (): RunningProgram => startProgram(t, driver, wrapper, { scratch, env }),
    serve: (): Promise<QueryServer> =>
      startQueryServer(t, driver, { scratch, env, program: join(code, custom.config.entrypoints.query) }),
  };
}

async function assertStopsWell(program: RunningProgram): Promise<void> {
  program.child.kill('SIGTERM');
  const { code, signal, stderr } = await program.exit;
  assert.deepEqual([code, signal], [0, null], stderr);
  assert.match(stderr, /Bot stopped|Stopped before/);
}

function numberIn(value: unknown, key: string): number {
  const found = numbersIn(value, [key])[key];
  assert.ok(found !== undefined, `no number ${key} in ${JSON.stringify(value)}`);
  return found;
}

function numbersIn(value: unknown, keys: readonly string[]): Record<string, number | undefined> {
  assert.ok(typeof value === 'object' && value !== null);
  const entries = new Map<string, unknown>(Object.entries(value));
  return Object.fromEntries(
    keys.map((key) => {
      const found = entries.get(key);
      return [key, typeof found === 'number' ? found : undefined];
    }),
  );
}
