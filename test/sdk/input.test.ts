import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Call, makeCalls, SDK_DRIVERS, type SdkDriver, scratchDirectory, startProgram } from './sdk-driver.ts';

const CONFIG = { symbol: 'BTC/€', nested: { levels: [1, 2.5, null] } };

for (const driver of SDK_DRIVERS) {
  describe(`Input in ${driver.language}`, { skip: driver.skip, concurrency: 3 }, () => {
    for (const locale of ['C', 'C.UTF-8']) {
      it(`parse gives id and config, also non-ASCII ones, in the locale ${locale}`, async (t) => {
        const env = { BOT_ID: 'bot-ä', BOT_CONFIG: JSON.stringify(CONFIG), LC_ALL: locale };
        const { outcomes } = await makeCalls(t, driver, [['parse']], { scratch: scratchDirectory(t), env });
        assert.deepEqual(outcomes, [{ value: parsed(driver, 'bot-ä', CONFIG) }]);
      });
    }

    it('parse accepts a config that is no object', async (t) => {
      const env = { BOT_ID: 'bot', BOT_CONFIG: '[1]' };
      const { outcomes } = await makeCalls(t, driver, [['parse']], { scratch: scratchDirectory(t), env });
      assert.deepEqual(outcomes, [{ value: parsed(driver, 'bot', [1]) }]);
    });

    const parseErrors: [what: string, env: Record<string, string>, message: RegExp][] = [
      ['BOT_ID is unset', { BOT_CONFIG: '{}' }, /^BOT_ID environment variable not set$/],
      ['BOT_ID is empty', { BOT_ID: '', BOT_CONFIG: '{}' }, /^BOT_ID environment variable not set$/],
      ['BOT_CONFIG is unset', { BOT_ID: 'bot' }, /^BOT_CONFIG environment variable not set$/],
      ['BOT_CONFIG is empty', { BOT_ID: 'bot', BOT_CONFIG: '' }, /^BOT_CONFIG environment variable not set$/],
      ['BOT_CONFIG is not JSON', { BOT_ID: 'bot', BOT_CONFIG: '{' }, /^Failed to parse BOT_CONFIG as JSON: ./],
    ];
    for (const [what, env, message] of parseErrors) {
      it(`parse throws when ${what}`, async (t) => {
        const { outcomes } = await makeCalls(t, driver, [['parse']], { scratch: scratchDirectory(t), env });
        assert.equal(outcomes.length, 1);
        const outcome = outcomes[0];
        assert.ok(outcome && 'error' in outcome);
        assert.equal(outcome.error, driver.language === 'Python' ? 'ValueError' : 'Error');
        assert.match(outcome.message, message);
      });
    }

    it('success writes message and data, whatever characters they have', async (t) => {
      const text = 'line\nquote " backslash \\ bell \u0007 é 😀';
      const { exit, result } = await writeResult(t, driver, ['success', text, { text }]);
      assert.equal(exit.code, 0);
      assert.deepEqual(result, { status: 'success', message: text, data: { text } });
    });

    it('success without data writes none', async (t) => {
      const { result } = await writeResult(t, driver, ['success', 'done']);
      assert.deepEqual(result, { status: 'success', message: 'done' });
    });

    it('error writes its result and exits with code 1', async (t) => {
      const { exit, result } = await writeResult(t, driver, ['error', 'no money', { have: 1 }]);
      assert.equal(exit.code, 1);
      assert.deepEqual(result, { status: 'error', message: 'no money', data: { have: 1 } });
    });

    it('result writes what it is given', async (t) => {
      const { result } = await writeResult(t, driver, ['result', { any: ['thing', null] }]);
      assert.deepEqual(result, { any: ['thing', null] });
    });

    it('a result that cannot be stored is said on stderr and harms nothing', async (t) => {
      const scratch = scratchDirectory(t);
      const env = { CODE_MOUNT_DIR: join(scratch, 'missing').slice(1) };
      const calls: Call[] = [
        ['success', 'done'],
        ['result', { x: '<unserialisable>' }],
        ['state.exists', 'x'],
      ];
      const exit = await makeCalls(t, driver, calls, { scratch, env });
      assert.equal(exit.code, 0);
      assert.equal(exit.stderr.match(/^RESULT_ERROR: Failed to write result file: ./gm)?.length, 2);
      assert.equal(exit.outcomes.length, 3);
    });

    it('metric writes one line of JSON to stdout', async (t) => {
      const calls: Call[] = [
        ['metric', 'price', { value: 1.5, name: 'ü\n' }],
        ['metric', 'empty', {}],
        ['metric', 'override', { _metric: 'other', timestamp: 'never' }],
        ['metric', 'nan', { value: '<nan>' }],
      ];
      const { stdout, stderr } = await makeCalls(t, driver, calls, { scratch: scratchDirectory(t) });
      const lines = jsonLines(stdout);
      const withoutTime = lines.map(({ timestamp: _timestamp, ...rest }) => rest);
      assert.deepEqual(withoutTime, [
        { _metric: 'price', value: 1.5, name: 'ü\n' },
        { _metric: 'empty' },
        { _metric: 'other' },
        { _metric: 'nan', value: null },
      ]);
      for (const { timestamp } of lines) assert.match(String(timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z$/);
      if (driver.language === 'Python') assert.match(stderr, /"warn".*NaN or Infinity in metric/);
    });

    it('a metric is out even when the bot is killed right after it', async (t) => {
      const exit = await startProgram(t, driver, 'killed', { scratch: scratchDirectory(t) }).exit;
      assert.equal(exit.signal, 'SIGKILL');
      assert.equal(jsonLines(exit.stdout)[0]?.['_metric'], 'last');
    });

    it('log writes one line of JSON to stderr, with level and data', async (t) => {
      const calls: Call[] = [
        ['log', 'plain'],
        ['log', 'level second', 'warn'],
        ['log', 'data', { order: 7 }],
        ['log', 'both\nlines', { order: 8 }, 'error'],
        ['log', 'level third, no data', null, 'error'],
        ['log', 'override', { level: 'odd', message: 'other' }],
      ];
      const { stderr } = await makeCalls(t, driver, calls, { scratch: scratchDirectory(t) });
      const lines = jsonLines(stderr).map(({ timestamp: _timestamp, ...rest }) => rest);
      assert.deepEqual(lines, [
        { level: 'info', message: 'plain' },
        { level: 'warn', message: 'level second' },
        { level: 'info', message: 'data', order: 7 },
        { level: 'error', message: 'both\nlines', order: 8 },
        { level: 'error', message: 'level third, no data' },
        { level: 'odd', message: 'other' },
      ]);
    });
  });
}

/** What `parse` gives: a pair in Python, an object in Node. */
function parsed(driver: SdkDriver, id: string, config: unknown): unknown {
  return driver.language === 'Python' ? [id, config] : { id, config };
}

async function writeResult(t: Parameters<typeof scratchDirectory>[0], driver: SdkDriver, call: Call) {
  const scratch = scratchDirectory(t);
  const codeDirectory = join(scratch, 'code');
  mkdirSync(codeDirectory);
  const exit = await makeCalls(t, driver, [call], { scratch, env: { CODE_MOUNT_DIR: codeDirectory.slice(1) } });
  const file = join(codeDirectory, 'result.json');
  assert.ok(existsSync(file), exit.stderr);
  const result: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return { exit, result };
}

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
