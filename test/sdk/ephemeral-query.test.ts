import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { SDK_DRIVERS, type SdkDriver, scratchDirectory, startProgram, stateDirectory } from './sdk-driver.ts';

for (const driver of SDK_DRIVERS) {
  describe(`A single query in ${driver.language}`, { skip: driver.skip, concurrency: 3 }, () => {
    it('writes the answer into a directory it makes, prints nothing, and lets the program go on', async (t) => {
      const { exit, result } = await ask(t, driver, { QUERY_PATH: '/echo', QUERY_PARAMS: '{"a":"b"}' });
      assert.deepEqual(result, { status: 'ok', data: { path: '/echo', params: { a: 'b' }, same: true } });
      assert.deepEqual({ ...exit }, { code: 0, signal: null, stdout: 'after run\n', stderr: '' });
    });

    it('gives parameters with their JSON types', async (t) => {
      const { result } = await ask(t, driver, { QUERY_PATH: '/typed', QUERY_PARAMS: '{"limit":5,"x":null}' });
      assert.deepEqual(result, { status: 'ok', data: 5 });
    });

    for (const params of ['not json', '[1]', '']) {
      it(`takes ${JSON.stringify(params)} for no parameters`, async (t) => {
        const { result } = await ask(t, driver, { QUERY_PATH: '/typed', QUERY_PARAMS: params });
        assert.deepEqual(result, { status: 'ok', data: 10 });
      });
    }

    it('gives handlers the config', async (t) => {
      const { result } = await ask(t, driver, { QUERY_PATH: '/config', BOT_CONFIG: '{"symbol":"BTC"}' });
      assert.deepEqual(result, { status: 'ok', data: { symbol: 'BTC' } });
    });

    it('names the paths there are when it is asked for another', async (t) => {
      const { exit, result } = await ask(t, driver, { QUERY_PATH: '/missing' });
      assert.ok(
        typeof result === 'object' && result !== null && 'available' in result && Array.isArray(result.available),
      );
      assert.ok(result.available.includes('/echo') && result.available.includes('/info'));
      const { available: _available, ...rest } = result;
      assert.deepEqual(rest, { status: 'error', error: 'No handler for path: /missing' });
      assert.equal(exit.code, 1);
    });

    const failures: [what: string, path: string, error: RegExp][] = [
      ['a handler throws', '/boom', /^boom$/],
      ['JSON cannot hold the answer', '/unserialisable', /serializ/],
      ['a handler writes state', '/write', /^(ReadOnlyStateError: )?State modifications are not allowed/],
    ];
    for (const [what, path, error] of failures) {
      it(`writes an error and exits with code 1 when ${what}`, async (t) => {
        const { exit, result } = await ask(t, driver, { QUERY_PATH: path });
        assert.ok(typeof result === 'object' && result !== null && 'error' in result && 'status' in result);
        assert.equal(result.status, 'error');
        assert.match(String(result.error), error);
        assert.equal(exit.code, 1);
      });
    }

    it('answers NaN as null', async (t) => {
      const { result } = await ask(t, driver, { QUERY_PATH: '/nan' });
      assert.deepEqual(result, { status: 'ok', data: { x: null, y: [null, 1] } });
    });

    it('reads the state', async (t) => {
      const scratch = scratchDirectory(t);
      mkdirSync(stateDirectory(scratch), { recursive: true });
      writeFileSync(join(stateDirectory(scratch), 'key.json'), '"from the bot"');
      const { result } = await ask(t, driver, { QUERY_PATH: '/read' }, scratch);
      assert.deepEqual(result, { status: 'ok', data: 'from the bot' });
    });

    for (const env of [{}, { QUERY_PATH: '' }, { BOT_TYPE: 'scheduled' }]) {
      it(`answers /info when started with ${JSON.stringify(env)}`, async (t) => {
        const { exit, result } = await ask(t, driver, env);
        assert.ok(typeof result === 'object' && result !== null && 'data' in result);
        const text = JSON.stringify(result.data);
        assert.match(text, /^\{"available_queries":\[.*"\/echo".*"\/health".*"\/info".*\]\}$/);
        assert.equal(exit.code, 0);
      });
    }

    it('says on stderr that the answer cannot be written, and does not change the exit code', async (t) => {
      const scratch = scratchDirectory(t);
      writeFileSync(join(scratch, 'file'), '');
      const env = { QUERY_PATH: '/typed', THE0_QUERY_RESULT: join(scratch, 'file', 'result.json') };
      const { exit, result } = await ask(t, driver, env, scratch);
      assert.equal(result, undefined);
      assert.match(exit.stderr, /^RESULT_ERROR: Failed to write result file: ./);
      assert.equal(exit.code, 0);
    });

    if (driver.language === 'Node') {
      it('ends although a timer is open', async (t) => {
        const { exit } = await ask(t, driver, { QUERY_PATH: '/typed', OPEN_HANDLE: '1' });
        assert.deepEqual([exit.code, exit.signal], [0, null]);
      });
    }
  });
}

async function ask(t: TestContext, driver: SdkDriver, env: Record<string, string>, scratch = scratchDirectory(t)) {
  const file = join(scratch, 'query', 'result.json');
  const program = startProgram(t, driver, 'queries', { scratch, env: { THE0_QUERY_RESULT: file, ...env } });
  const exit = await program.exit;
  const result: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  return { exit, result };
}
