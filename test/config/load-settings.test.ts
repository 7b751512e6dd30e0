import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import { DEFAULT_STATE_LIMITS } from '../../src/agent/state/state-limits.ts';
import { agentLimitsOf } from '../../src/commands/engines.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { SettingsError } from '../../src/config/read-setting.ts';
import { allSettings } from '../../src/config/settings.ts';

function problemsOf(env: Record<string, string>, flags: Record<string, string> = {}): readonly string[] {
  try {
    loadSettings(env, flags);
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.problems.map(({ sentence }) => sentence);
  }
  return [];
}

test('nothing given means the defaults, which work', () => {
  const { settings, warnings } = loadSettings({});
  assert.deepEqual(warnings, []);
  assert.equal(settings.query.port, 9477);
  assert.equal(settings.query.host, '127.0.0.1');
  assert.equal(settings.query.token, null);
  assert.equal(settings.engine, 'process');
  assert.equal(settings.docker.network, null);
  assert.equal(settings.admin, null);
  assert.equal(settings.bot.stopGraceMs, 25_000);
  assert.equal(settings.timeZone, 'UTC');
});

test('a flag beats the variable, which beats the default', () => {
  assert.equal(loadSettings({ THE0_STOP_GRACE: '20s' }).settings.bot.stopGraceMs, 20_000);
  assert.equal(loadSettings({ THE0_STOP_GRACE: '20s' }, { 'stop-grace': '1m30s' }).settings.bot.stopGraceMs, 90_000);
});

test('every setting can be set by its flag and by its variable', () => {
  for (const { flag, env, kind, default: value } of allSettings()) {
    // What a secret is shown as is not its text.
    if (value === null || kind.secret) continue;
    const text = kind.show(value);
    assert.deepEqual(problemsOf({ [env]: text }), [], env);
    assert.deepEqual(problemsOf({}, { [flag]: text }), [], flag);
  }
});

test('an error names the setting, where the value came from, and what was expected', () => {
  assert.deepEqual(problemsOf({ THE0_STOP_GRACE: '30' }), [
    'environment variable THE0_STOP_GRACE: "30" is not a duration from 0 to 1h, such as 500ms, 30s or 1m30s',
  ]);
  assert.deepEqual(problemsOf({}, { engine: 'podman' }), ['flag --engine: "podman" is not one of process, docker']);
});

test('all problems are named at once', () => {
  assert.equal(problemsOf({ THE0_SHARDS: 'many' }, { engine: 'podman', 'bot-memory': '1' }).length, 3);
});

test('values that contradict each other are refused', () => {
  assert.match(
    problemsOf({}, { 'restart-base': '10s', 'restart-cap': '1s' }).join(),
    /restart-cap must not be shorter/,
  );
  assert.match(problemsOf({}, { 'query-timeout': '10m' }).join(), /query-max-timeout must not be shorter/);
});

test('a secret is never shown, not even when it is wrong', () => {
  const problems = problemsOf({ QUERY_TOKEN: 'hush hush' });
  assert.equal(problems.length, 1);
  assert.doesNotMatch(problems.join(), /hush/);
  const token = allSettings().find(({ env }) => env === 'QUERY_TOKEN');
  assert.equal(token?.kind.show('hush'), '(set)');
});

test('QUERY_SERVER_PORT is read as loosely as the contract has it', () => {
  const port = (text: string) => loadSettings({ QUERY_SERVER_PORT: text }).settings.query.port;
  assert.equal(port('9500'), 9500);
  assert.equal(port('9500abc'), 9500);
  assert.equal(port(''), 9477);
  assert.equal(port('abc'), 9477);
  assert.equal(port('0'), 9477);
});

test('the flag for the port is read strictly, and 0 asks for any free one', () => {
  assert.equal(loadSettings({}, { 'query-port': '0' }).settings.query.port, 0);
  assert.equal(problemsOf({}, { 'query-port': '9477abc' }).length, 1);
});

test('a bad memory limit in the variable gives the default and a warning', () => {
  const { settings, warnings } = loadSettings({ BOT_MEMORY_LIMIT_MB: 'lots' });
  assert.equal(settings.bot.memoryLimitMiB, 512);
  assert.match(warnings.join(), /BOT_MEMORY_LIMIT_MB: "lots" .* using 512/);
});

test('the log level does not care for case', () => {
  assert.equal(loadSettings({ LOG_LEVEL: 'warn' }).settings.log.level, 'WARN');
  assert.equal(loadSettings({ LOG_LEVEL: 'loud' }).settings.log.level, 'INFO');
});

test('an empty variable is an empty value for text, and as good as not set for the rest', () => {
  const { settings } = loadSettings({
    DOCKER_NETWORK: '',
    QUERY_TOKEN: '',
    THE0_STOP_GRACE: '',
    RUNTIME_IMAGE: '',
    TZ: '',
  });
  assert.equal(settings.docker.network, null);
  assert.equal(settings.query.token, null);
  assert.equal(settings.bot.stopGraceMs, 25_000);
  assert.notEqual(settings.docker.image, '');
  assert.equal(settings.timeZone, 'UTC');
});

test('a time zone that does not exist is refused', () => {
  assert.equal(loadSettings({ TZ: 'Europe/Berlin' }).settings.timeZone, 'Europe/Berlin');
  assert.match(problemsOf({ TZ: 'Mars/Olympus' }).join(), /TZ: "Mars\/Olympus" is not a time zone/);
});

test('the path of another runtime is one of the host of Docker, so it is absolute and has no colon', () => {
  assert.equal(loadSettings({}).settings.docker.devRuntimePath, null);
  assert.equal(loadSettings({ DEV_RUNTIME_PATH: '' }).settings.docker.devRuntimePath, null);
  const { settings } = loadSettings({ DEV_RUNTIME_PATH: '/home/me/runtime' });
  assert.equal(settings.docker.devRuntimePath, '/home/me/runtime');
  for (const path of ['runtime', './runtime', '/home:ro']) {
    assert.match(problemsOf({ DEV_RUNTIME_PATH: path }).join(), /DEV_RUNTIME_PATH: ".*" is not an absolute path/);
  }
});

test("an image of one's own is fetched when it is missing, the default one is only built", () => {
  assert.equal(loadSettings({}).settings.docker.pull, 'never');
  assert.equal(loadSettings({ RUNTIME_IMAGE: 'registry.example/runtime:1' }).settings.docker.pull, 'missing');
  assert.equal(loadSettings({ RUNTIME_IMAGE: 'x' }, { pull: 'never' }).settings.docker.pull, 'never');
});

test("each limit of the agent is set by the name of the limit, or by the bot's own setting", () => {
  const { settings } = loadSettings(
    { THE0_AGENT_LOG_QUEUE: '2MiB', THE0_STOP_GRACE: '3s' },
    { 'agent-query-restart-cap': '5s', 'code-files': '9' },
  );
  assert.deepEqual(agentLimitsOf(settings), {
    ...DEFAULT_AGENT_LIMITS,
    logQueueBytes: 2 * 1024 ** 2,
    queryRestartCapMs: 5000,
    stopGraceMs: 3000,
    codeFiles: 9,
  });
});

test('a limit that grows must not end below its beginning', () => {
  assert.deepEqual(problemsOf({ THE0_AGENT_STORE_RETRY: '20s' }, { 'agent-log-flush-cap': '1s' }), [
    'agent-store-retry-cap must not be shorter than agent-store-retry',
    'agent-log-flush-cap must not be shorter than agent-log-flush',
  ]);
  assert.deepEqual(problemsOf({ THE0_STORE_PROBE_RETRY: '1m' }), [
    'store-probe-retry-cap must not be shorter than store-probe-retry',
  ]);
});

test('sizes of states that are no integers are the default, with a warning (contract 4.2)', () => {
  for (const wrong of ['lots', '-1', '0', '1.5', '10MB']) {
    const { settings, warnings } = loadSettings({ MAX_STATE_SIZE_MB: wrong, MAX_STATE_FILE_SIZE_MB: wrong });
    assert.deepEqual([settings.stored.stateMiB, settings.stored.stateFileMiB], [8192, 10]);
    assert.equal(warnings.length, 2);
  }
  const { settings } = loadSettings({ MAX_STATE_SIZE_MB: '64', MAX_STATE_FILE_SIZE_MB: '32' });
  assert.deepEqual([settings.stored.stateMiB, settings.stored.stateFileMiB], [64, 32]);
  assert.equal(problemsOf({}, { 'bot-state-size': 'lots' }).length, 1);
});

test('the agent takes the same sizes when it is told nothing', () => {
  const { stateMiB, stateFileMiB } = loadSettings({}).settings.stored;
  assert.deepEqual(
    [DEFAULT_STATE_LIMITS.totalBytes, DEFAULT_STATE_LIMITS.fileBytes],
    [stateMiB * 1024 ** 2, stateFileMiB * 1024 ** 2],
  );
});

test('addresses of NATS are checked, and never shown', () => {
  for (const good of ['nats://n:4222', 'n:4222', 'n', 'nats://me:secret@a:4222,tls://b', 'a, b', 'tls://n']) {
    assert.equal(loadSettings({ NATS_URL: good }).settings.stored.natsUrl, good);
  }
  assert.equal(loadSettings({ NATS_URL: '' }).settings.stored.natsUrl, null);
  const bad = ['http://secret', 'nats://secret:port', 'nats://n\nsecret=1', ',secret'];
  // The agents of bots do not speak TLS.
  const given = [...bad.map((address) => ({ NATS_URL: address })), { NATS_LOGS_URL: 'tls://secret@n' }];
  for (const env of given) {
    const problems = problemsOf(env);
    assert.match(
      problems.join(),
      /: the given value \(not shown\) is not one or more addresses such as/,
      JSON.stringify(env),
    );
    assert.doesNotMatch(problems.join(), /secret/);
  }
});
