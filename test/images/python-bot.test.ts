import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { lastLine, runWrapped, type WrapperOptions, type WrapperRun } from './wrapper-run.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;
const options = { skip: hasPython ? false : 'no python3 here' };
const SUCCESS = { status: 'success', message: 'Bot executed successfully' };
const TERMINATED = { status: 'terminated', message: 'Bot execution terminated by signal' };

function run(t: TestContext, text: string, more: Partial<WrapperOptions> = {}): Promise<WrapperRun> {
  return runWrapped(t, 'python', { files: { 'main.py': text }, script: 'main.py', ...more });
}

test('main gets id and config; what it returns does not matter', options, async (t) => {
  const { code, stdout, result } = await run(
    t,
    'def main(bot_id, config):\n  print(bot_id, config)\n  return {"a": 1}\n',
  );
  assert.equal(code, 0);
  assert.equal(stdout, "bot-1 {'n': 1}\n");
  assert.deepEqual(result, SUCCESS);
});

test('an exception ends with 1, a traceback of the bot only, and its text in the result', options, async (t) => {
  const { code, stderr, result } = await run(t, 'def main(bot_id, config):\n  raise KeyError("price")\n');
  assert.equal(code, 1);
  assert.equal(lastLine(stderr), "KeyError: 'price'");
  assert.doesNotMatch(stderr, /python_bot\.py|importlib/);
  assert.deepEqual(result, { status: 'error', message: "KeyError: 'price'" });
});

test('sys.exit keeps its code', options, async (t) => {
  const { code, result } = await run(t, 'import sys\ndef main(bot_id, config):\n  sys.exit(7)\n');
  assert.equal(code, 7);
  assert.deepEqual(result, { status: 'error', message: 'Bot exited with code 7' });
});

test('sys.exit without a code is success, with a text it is 1 and the text', options, async (t) => {
  assert.equal((await run(t, 'import sys\ndef main(b, c):\n  sys.exit()\n')).code, 0);
  const { code, stderr } = await run(t, 'import sys\ndef main(b, c):\n  sys.exit("no key")\n');
  assert.equal(code, 1);
  assert.equal(stderr, 'no key\n');
});

for (const [call, code, result] of [
  ['the0.error("no data")', 1, { status: 'error', message: 'no data' }],
  ['the0.success("done", {"trades": 2})', 0, { status: 'success', message: 'done', data: { trades: 2 } }],
  ['the0.result({"own": True})', 0, { own: true }],
] as const) {
  test(`the result of the SDK's ${call} stands`, options, async (t) => {
    const ended = await run(t, `import the0\ndef main(bot_id, config):\n  ${call}\n`);
    assert.equal(ended.code, code);
    assert.deepEqual(ended.result, result);
  });
}

test('a result file that came with the code is not taken for one of this run', options, async (t) => {
  const { result } = await run(t, '', {
    files: { 'main.py': 'def main(b, c): pass\n', 'result.json': '{"status":"old"}' },
  });
  assert.deepEqual(result, SUCCESS);
});

test('os._exit keeps its code and leaves no result', options, async (t) => {
  const { code, result } = await run(t, 'import os\ndef main(b, c):\n  os._exit(9)\n');
  assert.equal(code, 9);
  assert.equal(result, null);
});

test('an async main is awaited', options, async (t) => {
  const text = 'import asyncio\nasync def main(b, c):\n  await asyncio.sleep(0.01)\n  print("awaited")\n';
  const { code, stdout } = await run(t, text);
  assert.equal(code, 0);
  assert.equal(stdout, 'awaited\n');
});

test('an async main that raises ends with 1', options, async (t) => {
  const { code, stderr } = await run(t, 'async def main(b, c):\n  raise ValueError("boom")\n');
  assert.equal(code, 1);
  assert.equal(lastLine(stderr), 'ValueError: boom');
});

test('a main with other parameters ends with 1', options, async (t) => {
  const { code, stderr } = await run(t, 'def main():\n  pass\n');
  assert.equal(code, 1);
  assert.match(lastLine(stderr), /^TypeError: main\(\) takes 0 positional arguments but 2 were given$/);
});

for (const [why, text, message] of [
  ['no main', 'x = 1\n', /ImportError: main\.py has no function main\(bot_id, config\)/],
  ['a main that is no function', 'main = 5\n', /ImportError: main\.py has no function main\(bot_id, config\)/],
  ['a missing package', 'import no_such_package\n', /ModuleNotFoundError: No module named 'no_such_package'/],
  ['a syntax error', 'def main(:\n', /SyntaxError: invalid syntax/],
  ['an error while loading', 'raise RuntimeError("at load")\n', /RuntimeError: at load/],
] as const) {
  test(`${why} is an import error with code 1`, options, async (t) => {
    const { code, stderr, result } = await run(t, text);
    assert.equal(code, 1);
    assert.match(lastLine(stderr), /^IMPORT_ERROR: cannot load main\.py: /);
    assert.match(lastLine(stderr), message);
    assert.match(JSON.stringify(result), /"status":"error"/);
  });
}

test('a missing file is an import error', options, async (t) => {
  const { code, stderr } = await run(t, '', { script: 'gone.py' });
  assert.equal(code, 1);
  assert.match(lastLine(stderr), /^IMPORT_ERROR: cannot load gone\.py: FileNotFoundError/);
});

test('a config that is not JSON is said', options, async (t) => {
  const { code, stderr } = await run(t, 'def main(b, c): pass\n', { env: { BOT_CONFIG: '{oops' } });
  assert.equal(code, 1);
  assert.match(lastLine(stderr), /^CONFIG_ERROR: BOT_CONFIG is not JSON/);
  assert.doesNotMatch(stderr, /oops/);
});

test('a code directory that is not there is said', options, async (t) => {
  const { code, stderr } = await run(t, '', { env: { CODE_MOUNT_DIR: 'no/such/place' } });
  assert.equal(code, 1);
  assert.match(lastLine(stderr), /^CHDIR_ERROR: cannot enter \/no\/such\/place/);
});

const LOOP = '  import time\n  print("ready")\n  while True: time.sleep(0.05)\n';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends a bot that does not handle it, with its clean-up`, options, async (t) => {
    const text = `import atexit\natexit.register(lambda: print("atexit"))\ndef main(b, c):\n try:\n${LOOP} finally:\n  print("finally")\n`;
    const { code, stdout, stderr, result } = await run(t, text, { signal });
    assert.equal(code, 0);
    assert.equal(stdout, 'ready\nfinally\natexit\n');
    assert.equal(stderr, '');
    assert.deepEqual(result, TERMINATED);
  });
}

test('SIGTERM reaches the handler of a bot, which decides', options, async (t) => {
  const text = `import signal, sys\ndef main(b, c):\n  signal.signal(signal.SIGTERM, lambda *a: sys.exit(5))\n${LOOP}`;
  assert.equal((await run(t, text, { signal: 'SIGTERM' })).code, 5);
});

test('SIGTERM ends an async bot, with its clean-up', options, async (t) => {
  const text =
    'import asyncio\nasync def main(b, c):\n  try:\n    print("ready")\n    await asyncio.sleep(60)\n  finally:\n    print("finally")\n';
  const { code, stdout, result } = await run(t, text, { signal: 'SIGTERM' });
  assert.equal(code, 0);
  assert.equal(stdout, 'ready\nfinally\n');
  assert.deepEqual(result, TERMINATED);
});

test('SIGTERM does not wait for threads that the bot left running', options, async (t) => {
  const text = `import threading, time\ndef main(b, c):\n  threading.Thread(target=lambda: time.sleep(60)).start()\n${LOOP}`;
  const { code } = await run(t, text, { signal: 'SIGTERM' });
  assert.equal(code, 0);
});

test(
  'records of a bot look the same, wherever logging is imported; who does not use it does not pay for it',
  options,
  async (t) => {
    const late =
      'def main(b, c):\n  from logging import getLogger, root\n  getLogger("deep").info("seen")\n  getLogger("deep").debug("not")\n  print(len(root.handlers))\n';
    const { stdout, stderr } = await run(t, late);
    assert.deepEqual([stdout, stderr], ['1\n', 'INFO:deep:seen\n']);
    const own = 'import logging\nlogging.basicConfig(level=logging.DEBUG, force=True, format="%(message)s")\n';
    assert.equal((await run(t, `${own}def main(b, c):\n  logging.debug("own")\n`)).stderr, 'own\n');
    const none = 'import sys\ndef main(b, c):\n  print("logging" in sys.modules)\n';
    assert.equal((await run(t, none)).stdout, 'False\n');
  },
);

test('the bot is loaded as module main, with logging set up and vendored packages first', options, async (t) => {
  const text =
    'import logging, sys, os\nlogging.getLogger(__name__).info("hi")\ndef main(b, c):\n  print(__name__, sys.path[0] == os.getcwd(), __import__("main") is sys.modules["main"])\nif __name__ == "__main__":\n  print("no")\n';
  const { stdout, stderr } = await run(t, text);
  assert.equal(stdout, 'main True True\n');
  assert.equal(stderr, 'INFO:main:hi\n');
});

test('a line is out as soon as it is printed', options, async (t) => {
  const { stdout } = await run(t, 'import os\ndef main(b, c):\n  print("a", "b")\n  os._exit(0)\n');
  assert.equal(stdout, 'a b\n');
});
