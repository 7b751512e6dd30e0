import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { lastLine, runWrapped, type WrapperOptions, type WrapperRun } from './wrapper-run.ts';

const SUCCESS = { status: 'success', message: 'Bot executed successfully' };
const TERMINATED = { status: 'terminated', message: 'Bot execution terminated by signal' };
const SDK = `require(${JSON.stringify(new URL('../../images/sdk/nodejs/index.js', import.meta.url).pathname)})`;

function run(t: TestContext, text: string, more: Partial<WrapperOptions> = {}): Promise<WrapperRun> {
  return runWrapped(t, 'node', { files: { 'main.js': text }, script: 'main.js', ...more });
}

test('main gets id and config; what it resolves with is the result', async (t) => {
  const { code, stdout, result } = await run(
    t,
    'exports.main = async (id, config) => { console.log(id, config); return { a: 1 }; }',
  );
  assert.equal(code, 0);
  assert.equal(stdout, 'bot-1 { n: 1 }\n');
  assert.deepEqual(result, { a: 1 });
});

for (const value of ['undefined', 'null', '0', '""']) {
  test(`resolving with ${value} is success`, async (t) => {
    const { code, result } = await run(t, `module.exports = async () => ${value}`);
    assert.equal(code, 0);
    assert.deepEqual(result, SUCCESS);
  });
}

test('what is called is main, else default, else the module itself', async (t) => {
  for (const [text, called] of [
    ['module.exports = () => console.log("itself"); module.exports.default = () => console.log("default")', 'default'],
    ['exports.main = () => console.log("main"); exports.default = () => console.log("default")', 'main'],
    ['module.exports = () => console.log("itself")', 'itself'],
  ] as const) {
    const { code, stdout } = await run(t, text);
    assert.deepEqual([code, stdout], [0, `${called}\n`]);
  }
});

test('the bot ends when main is done, whatever is still under way', async (t) => {
  assert.equal((await run(t, 'exports.main = async () => { setInterval(() => {}, 1000); }')).code, 0);
});

for (const [how, text] of [
  ['rejects', 'exports.main = async () => { throw new Error("no\\ndata"); }'],
  ['throws', 'exports.main = () => { throw new Error("no\\ndata"); }'],
] as const) {
  test(`a main that ${how} ends with 1 and says why`, async (t) => {
    const { code, stderr, result } = await run(t, text);
    assert.equal(code, 1);
    assert.equal(lastLine(stderr), 'EXECUTE_ERROR: no data');
    assert.match(stderr, /^Error: no\ndata\n {4}at /);
    assert.deepEqual(result, { status: 'error', message: 'no\ndata' });
  });
}

test('rejecting with something else than an Error is said too', async (t) => {
  const { code, stderr } = await run(t, 'exports.main = () => Promise.reject("plain text")');
  assert.equal(code, 1);
  assert.equal(stderr, 'EXECUTE_ERROR: plain text\n');
});

test('an error outside of main ends with 1 and a result', async (t) => {
  const { code, stderr, result } = await run(
    t,
    'exports.main = () => new Promise(() => { setTimeout(() => { throw new Error("later"); }, 5); })',
  );
  assert.equal(code, 1);
  assert.match(stderr, /Error: later/);
  assert.deepEqual(result, { status: 'error', message: 'Bot exited with code 1' });
});

test('process.exit keeps its code', async (t) => {
  const { code, result } = await run(t, 'exports.main = () => process.exit(7)');
  assert.equal(code, 7);
  assert.deepEqual(result, { status: 'error', message: 'Bot exited with code 7' });
});

for (const [call, code, result] of [
  ['error("no data")', 1, { status: 'error', message: 'no data' }],
  ['success("done", { trades: 2 })', 0, { status: 'success', message: 'done', data: { trades: 2 } }],
  ['result({ own: true })', 0, { own: true }],
] as const) {
  test(`the result of the SDK's ${call} stands`, async (t) => {
    const ended = await run(t, `const the0 = ${SDK};\nexports.main = async () => { the0.${call}; }`);
    assert.equal(ended.code, code);
    assert.deepEqual(ended.result, result);
  });
}

for (const [why, text, message] of [
  ['no function', 'exports.other = 1', /exports no function main\(botId, config\)/],
  ['a missing package', 'require("no-such-package")', /Cannot find module 'no-such-package'/],
  ['a syntax error', '\nthis is wrong', /SyntaxError: Unexpected identifier .*\(main\.js:2\)$/],
  ['an error while loading', 'throw new Error("at load")', /at load/],
] as const) {
  test(`${why} is an import error with code 1`, async (t) => {
    const { code, stderr, result } = await run(t, text);
    assert.equal(code, 1);
    assert.match(lastLine(stderr), /^IMPORT_ERROR: cannot load main\.js: /);
    assert.match(lastLine(stderr), message);
    assert.match(JSON.stringify(result), /"status":"error"/);
  });
}

test('a config that is not JSON is said, and no result is written', async (t) => {
  const { code, stderr, result } = await run(t, 'exports.main = () => {}', { env: { BOT_CONFIG: '{' } });
  assert.equal(code, 1);
  assert.match(lastLine(stderr), /^CONFIG_ERROR: BOT_CONFIG is not JSON/);
  assert.equal(result, null);
});

test('a code directory that is not there is said', async (t) => {
  const { code, stderr } = await run(t, '', { env: { CODE_MOUNT_DIR: 'no/such/place' } });
  assert.equal(code, 1);
  assert.match(lastLine(stderr), /^CHDIR_ERROR: cannot enter \/no\/such\/place/);
});

test('a promise that nothing can settle ends with 0, without a result, and says so', async (t) => {
  const { code, stderr, result } = await run(t, 'exports.main = () => new Promise(() => {})');
  assert.equal(code, 0);
  assert.match(stderr, /main\(\) has not settled/);
  assert.equal(result, null);
});

const LOOP = 'console.log("ready"); return new Promise(() => setInterval(() => {}, 1000));';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends a bot that does not listen for it, with its exit listeners`, async (t) => {
    const text = `process.on('exit', () => console.log('exit listener'));\nexports.main = () => { ${LOOP} }`;
    const { code, stdout, result } = await run(t, text, { signal });
    assert.equal(code, 0);
    assert.equal(stdout, 'ready\nexit listener\n');
    assert.deepEqual(result, TERMINATED);
  });
}

for (const register of ['on', 'once', 'prependListener']) {
  test(`SIGTERM reaches a bot that listens with ${register}, which decides`, async (t) => {
    const text = `process.${register}('SIGTERM', () => setTimeout(() => process.exit(5), 20));\nexports.main = () => { ${LOOP} }`;
    assert.equal((await run(t, text, { signal: 'SIGTERM' })).code, 5);
  });
}

test('a library that counts listeners and sends the signal again gets its way', async (t) => {
  const text = `
const clean = () => {
  if (process.listenerCount('SIGTERM') !== 1) return;
  process.removeListener('SIGTERM', clean);
  console.log('cleaned');
  process.kill(process.pid, 'SIGTERM');
};
process.on('SIGTERM', clean);
exports.main = () => { ${LOOP} }`;
  const { code, stdout } = await run(t, text, { signal: 'SIGTERM' });
  assert.equal(code, 0);
  assert.equal(stdout, 'ready\ncleaned\n');
});

for (const [kind, files, script] of [
  ['.mjs', { 'main.mjs': 'export async function main(id) { console.log(id); }' }, 'main.mjs'],
  [
    '"type": "module"',
    { 'main.js': 'export default (id) => console.log(id);', 'package.json': '{"type":"module"}' },
    'main.js',
  ],
  [
    'top-level await',
    { 'main.js': 'await null; export const main = (id) => console.log(id);', 'package.json': '{"type":"module"}' },
    'main.js',
  ],
] as const) {
  test(`an ES module (${kind}) is loaded without a warning`, async (t) => {
    const { code, stdout, stderr } = await runWrapped(t, 'node', { files, script });
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.equal(stdout, 'bot-1\n');
  });
}

test('all output is out before the bot ends', async (t) => {
  const { stdout } = await run(t, 'exports.main = async () => { process.stdout.write("x".repeat(1_000_000)); }');
  assert.equal(stdout.length, 1_000_000);
});
