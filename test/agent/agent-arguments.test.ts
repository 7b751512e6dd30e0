import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAgentArguments } from '../../src/agent/agent-arguments.ts';

const parse = (line: string) => parseAgentArguments(line.split(' '));

function execute(line: string) {
  const args = parse(line);
  assert.ok(args.command === 'execute');
  return args;
}

test('execute without flags runs a bot with its query server', () => {
  assert.deepEqual(parse('execute'), {
    command: 'execute',
    query: null,
    queryServerOnly: false,
    skipSync: false,
    skipQueryServer: false,
  });
});

test('flags are taken in both forms', () => {
  assert.equal(execute('execute --query /status').query, '/status');
  assert.equal(execute('execute --query=/status?a=b').query, '/status?a=b');
  assert.equal(execute('execute --query-server-only').queryServerOnly, true);
  assert.equal(execute('execute --query-server-only=false').queryServerOnly, false);
  assert.equal(execute('execute --skip-sync --skip-query-server').skipQueryServer, true);
});

test('flags of every command and further words are accepted', () => {
  assert.equal(parse('execute --mongo-uri x --nats-url=y word').command, 'execute');
});

test('the daemon has defaults for everything but the bot', () => {
  assert.deepEqual(parse('daemon init --bot-id a'), {
    command: 'daemon init',
    botId: 'a',
    codePath: '/bot',
    statePath: '/state',
    codeFile: null,
  });
  assert.deepEqual(parse('daemon sync --bot-id=a --interval 1m30s --watch-done /var/the0/done --readiness-port 8079'), {
    command: 'daemon sync',
    botId: 'a',
    statePath: '/state',
    logsPath: '/var/the0/logs',
    intervalMs: 90_000,
    doneFile: '/var/the0/done',
    readinessPort: 8_079,
  });
  const rare = parse('daemon sync --bot-id a --interval 720h');
  assert.equal('intervalMs' in rare && rare.intervalMs, 2 ** 31 - 1, 'as long as a timer can wait');
});

for (const [line, message] of [
  ['execute -x', 'unknown shorthand flag: -x'],
  ['daemon', 'unknown command "daemon"'],
  ['daemon sync', 'required flag "bot-id" not set'],
  ['daemon sync --bot-id a --interval soon', 'invalid argument "soon" for "--interval"'],
  ['daemon sync --bot-id a --readiness-port 70000', 'invalid argument "70000" for "--readiness-port"'],
  ['daemon init --bot-id a --interval 1s', 'unknown flag: --interval'],
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
