import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causeOfExit, StderrTail } from '../../src/agent/exit-cause.ts';

const crash = { kind: 'code', code: 1 } as const;
const noMask = (text: string) => text;

function detailOf(stderr: string): unknown {
  return causeOfExit(crash, stderr.split('\n'), undefined, noMask).facts['detail'];
}

test("Node's error is its message, not its stack or version", () => {
  const stderr = `/bot/main.js:1
throw new TypeError('x is not a function')
^

TypeError: x is not a function
    at Object.<anonymous> (/bot/main.js:1:7)

Node.js v20.20.2
`;
  assert.equal(detailOf(stderr), 'TypeError: x is not a function');
});

test("Python's error is the last line of its traceback", () => {
  assert.equal(
    detailOf('Traceback (most recent call last):\n  File "main.py", line 2\nKeyError: \'price\'\n'),
    "KeyError: 'price'",
  );
});

test("Rust's advice is not the error", () => {
  const note = 'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace';
  assert.equal(
    detailOf(`called Option::unwrap() on a None value\n${note}\n`),
    'called Option::unwrap() on a None value',
  );
});

test('of a line that an SDK logged, the message is the detail', () => {
  assert.equal(detailOf('{"level":"error","message":"no funds","timestamp":"2026-01-01T00:00:00Z"}\n'), 'no funds');
  assert.equal(detailOf('{"code":7}\n'), '{"code":7}');
  assert.equal(detailOf('{"message":"cut o\n'), '{"message":"cut o');
});

test('a result that only repeats the exit code does not hide what the bot said', () => {
  const words = causeOfExit({ kind: 'code', code: 3 }, ['out of funds'], 'Bot exited with code 3', noMask);
  assert.equal(words.facts['detail'], 'out of funds');
});

test('nothing on stderr gives no detail', () => {
  assert.deepEqual(causeOfExit({ kind: 'signal', signal: 'SIGKILL' }, [''], undefined, noMask), {
    the0: 1,
    code: 'bot-exited',
    facts: { signal: 'SIGKILL' },
  });
});

for (const prefix of ['IMPORT_ERROR', 'CONFIG_ERROR', 'CHDIR_ERROR']) {
  test(`${prefix} of the wrapper is no crash of the bot`, () => {
    const words = causeOfExit(crash, [`${prefix}: why`, 'later line'], 'own error', noMask);
    assert.deepEqual(words, { the0: 1, code: 'bot-import-failed', facts: { exitCode: 1, detail: `${prefix}: why` } });
  });
}

test('a bot that ends well has not failed to load, whatever it wrote', () => {
  const words = causeOfExit({ kind: 'code', code: 0 }, ['IMPORT_ERROR: a joke'], undefined, noMask);
  assert.equal(words.code, 'bot-exited');
});

test('a detail is masked before it is cut to 200 characters', () => {
  const secret = 'k'.repeat(50);
  const line = `${'a'.repeat(180)}${secret}`;
  const { facts } = causeOfExit(crash, [line], undefined, (text) => text.replaceAll(secret, '***'));
  assert.equal(facts['detail'], `${'a'.repeat(180)}***`);
  assert.equal(String(causeOfExit(crash, ['b'.repeat(500)], undefined, noMask).facts['detail']).length, 200);
});

test('only the end of stderr is kept', () => {
  const tail = new StderrTail();
  for (let index = 0; index < 10_000; index++) tail.push(Buffer.from(`line ${index}\n`));
  const lines = tail.lines();
  assert.equal(lines.at(-2), 'line 9999');
  assert.ok(lines.join('\n').length <= 8 * 1024);
});
