import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAgentArguments } from '../../src/agent/agent-arguments.ts';

const parse = (line: string) => parseAgentArguments(line.split(' '));

test('execute without flags runs a bot with its query server', () => {
  assert.deepEqual(parse('execute'), {
    command: 'execute',
    query: null,
    queryServerOnly: false,
    skipQueryServer: false,
  });
});

test('flags are taken in both forms', () => {
  assert.equal(parse('execute --query /status').query, '/status');
  assert.equal(parse('execute --query=/status?a=b').query, '/status?a=b');
  assert.equal(parse('execute --query-server-only').queryServerOnly, true);
  assert.equal(parse('execute --query-server-only=false').queryServerOnly, false);
  assert.equal(parse('execute --skip-sync --skip-query-server').skipQueryServer, true);
});

test('flags of every command and further words are accepted', () => {
  assert.equal(parse('execute --mongo-uri x --nats-url=y word').command, 'execute');
});

for (const [line, message] of [
  ['', 'unknown command ""'],
  ['nonsense', 'unknown command "nonsense"'],
  ['execute --nonsense', 'unknown flag: --nonsense'],
  ['execute --query', 'flag needs an argument: --query'],
  ['execute --skip-sync=maybe', 'invalid argument "maybe" for "--skip-sync"'],
] as const) {
  test(`"${line}" is refused`, () => {
    assert.throws(
      () => parse(line),
      (error) => error instanceof Error && error.message.startsWith(message),
    );
  });
}
