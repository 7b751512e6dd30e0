import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentProcess, agentLimitsOf, ended } from './agent-process.ts';

const sh = (script: string) => `#!/bin/sh\n${script}\n`;

test("the agent ends with its bot's exit code and says so", async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('exit 7') } });
  assert.deepEqual(await agent.ended, {
    code: 7,
    signal: null,
    lastWords: { the0: 1, code: 'bot-exited', facts: { exitCode: 7 } },
  });
});

test('a bot that ends well ends the agent with 0', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('echo done') } });
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 0);
  assert.deepEqual(lastWords, { the0: 1, code: 'bot-exited', facts: { exitCode: 0 } });
});

test('a bot that is killed ends the agent with 255', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('kill -9 $$') } });
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 255);
  assert.deepEqual(lastWords, { the0: 1, code: 'bot-exited', facts: { signal: 'SIGKILL' } });
});

test('the detail is the last line of stderr that means something, without config values', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {
      bot: sh('echo "Error: bad key s3cr3t-key for a b" >&2; echo "    at frame (x.js:1)" >&2; echo >&2; exit 1'),
    },
    env: { BOT_CONFIG: '{"exchange":{"keys":["s3cr3t-key"]},"n":1}' },
  });
  const { lastWords } = await agent.ended;
  assert.deepEqual(lastWords, {
    the0: 1,
    code: 'bot-exited',
    facts: { exitCode: 1, detail: 'Error: bad key *** for a b' },
  });
});

test("what the SDK's error() wrote is the detail", async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh(`echo started >&2; echo '{"status":"error","message":"no market data"}' > result.json; exit 1`) },
  });
  const { lastWords } = await agent.ended;
  assert.deepEqual(lastWords, { the0: 1, code: 'bot-exited', facts: { exitCode: 1, detail: 'no market data' } });
});

test('a result that is a pipe nobody writes to does not hold up the end', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('mkfifo result.json; exit 3') } });
  const { lastWords } = await agent.ended;
  assert.deepEqual(lastWords, { the0: 1, code: 'bot-exited', facts: { exitCode: 3 } });
});

test('a bot its wrapper cannot load is told from one that crashes', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { 'main.js': 'this is not JavaScript' },
    env: { RUNTIME: 'nodejs20', ENTRYPOINT: 'main.js' },
  });
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 1);
  assert.match(JSON.stringify(lastWords), /"code":"bot-import-failed".*"detail":"IMPORT_ERROR: cannot load main\.js: /);
});

test('a missing entry point is said, in the log too', async (t) => {
  const agent = await AgentProcess.start(t, { files: {}, env: { ENTRYPOINT: 'gone.bin' } });
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 1);
  assert.deepEqual(lastWords, { the0: 1, code: 'entrypoint-missing', facts: { path: 'gone.bin' } });
  assert.match(agent.log(), /"level":"error","message":"the entry point gone\.bin is not among the files of the bot/);
});

test('a missing interpreter is said, in the log too', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { 'bot.jar': '' },
    env: { RUNTIME: 'scala3', ENTRYPOINT: 'bot.jar', PATH: '/nowhere' },
  });
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 1);
  assert.deepEqual(lastWords, { the0: 1, code: 'program-missing', facts: { program: 'java' } });
  assert.match(agent.log(), /"message":"Failed to start process: spawn java ENOENT"/);
});

test('a compiled bot that is no program is said', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: '#!/no/such/interpreter\n' } });
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 1);
  assert.match(JSON.stringify(lastWords), /"code":"bot-import-failed","facts":\{"detail":"spawn .*ENOENT"\}/);
});

test('a compiled bot that came without its mode is made executable', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {},
    prepare: (root) => writeFileSync(join(root, 'code', 'bot'), sh('exit 3'), { mode: 0o644 }),
  });
  assert.equal((await agent.ended).code, 3);
});

test('an agent refuses what a newer runtime tells it, and says which of the two is older', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('exit 0') }, env: { THE0_PROTOCOL: '2' } });
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 1);
  assert.deepEqual(lastWords, { the0: 1, code: 'environment-incomplete', facts: { variable: 'THE0_PROTOCOL' } });
  assert.match(agent.stderr, /newer than this image/);
});

for (const variable of ['BOT_ID', 'RUNTIME', 'ENTRYPOINT']) {
  test(`without ${variable} nothing is started and its name is said`, async (t) => {
    const agent = await AgentProcess.start(t, { files: { bot: sh('exit 0') }, env: { [variable]: '' } });
    const { code, lastWords } = await agent.ended;
    assert.equal(code, 1);
    assert.deepEqual(lastWords, { the0: 1, code: 'environment-incomplete', facts: { variable } });
    assert.match(agent.stderr, new RegExp(`${variable} environment variable is required`));
  });
}

test('code is copied to where the bot runs', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('cat lib/text; pwd'), 'lib/text': 'from the copy\n' },
    prepare: (root) => mkdirSync(join(root, 'run')),
  });
  const { root } = agent;
  await agent.ended;
  const second = await AgentProcess.start(t, {
    files: {},
    env: { THE0_CODE_SOURCE: join(root, 'code'), CODE_PATH: join(root, 'run') },
  });
  assert.equal((await second.ended).code, 0);
  assert.equal(second.log(), `from the copy\n${join(root, 'run')}\n`);
});

test('code that cannot be copied is said, in the log too', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('exit 0') },
    env: { THE0_CODE_SOURCE: '/no/such/code' },
  });
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 1);
  assert.match(JSON.stringify(lastWords), /"code":"code-unavailable","facts":\{"detail":"ENOENT/);
  assert.match(agent.log(), /cannot copy the code of the bot/);
});

test('a grandchild that holds the output neither delays the end nor lives on', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('sleep 600 & echo "child $!"; exit 5') } });
  const { code } = await agent.ended;
  assert.equal(code, 5);
  await ended(Number(await agent.logged('child')));
});

test('a scheduled bot leaves its exit code beside the logs', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('exit 9') }, env: { IS_SCHEDULED: 'true' } });
  await agent.ended;
  assert.equal(readFileSync(join(agent.root, 'done'), 'utf8'), '9');
});

test('the bot sees its own environment, and neither credentials nor settings of the agent', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('env; echo "cwd $(pwd)"') },
    env: {
      MINIO_ACCESS_KEY: 'minio-access',
      MINIO_SECRET_KEY: 'minio-secret',
      NATS_URL: 'nats://user:password@host',
      THE0_AGENT_LIMITS: '{"v":1,"stopGraceMs":5000}',
      THE0_QUERY_PORT: '4711',
      CONFIG: '{"a":1}',
      TZ: 'Europe/Berlin',
      QUERY_PATH: '',
    },
  });
  await agent.ended;
  const log = agent.log();
  assert.doesNotMatch(log, /minio|MINIO|NATS|THE0_AGENT|^QUERY_PATH=/m);
  const code = join(agent.root, 'code');
  for (const line of [
    'BOT_ID=bot-1',
    'BOT_CONFIG={}',
    'CONFIG={"a":1}',
    `STATE_DIR=${join(agent.root, 'state', '.the0-state')}`,
    `CODE_MOUNT_DIR=${code.slice(1)}`,
    'SCRIPT_PATH=bot',
    'ENTRYPOINT_TYPE=bot',
    'BOT_TYPE=realtime',
    'THE0_QUERY_PORT=4711',
    'TZ=Europe/Berlin',
    `cwd ${code}`,
  ]) {
    assert.ok(log.split('\n').includes(line), line);
  }
});

test('the output is repeated on the agent’s own, stream by stream', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('echo out; echo err >&2') } });
  await agent.ended;
  assert.equal(agent.stdout, 'out\n');
  assert.match(agent.stderr, /^err\n\{"the0":1/);
});

test('the output is not repeated when nobody wants it', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('echo out; echo err >&2') },
    env: { THE0_LOG_TEE: '0' },
  });
  await agent.ended;
  assert.equal(agent.stdout, '');
  assert.match(agent.stderr, /^\{"the0":1/);
  assert.deepEqual(agent.log().trim().split('\n').sort(), ['err', 'out']);
});

test('credentials that came over a pipe are nowhere afterwards, and masked in what is said', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('env; [ -e /proc/self/fd/3 ] && echo "fd 3 is open"; echo "refused: k3y-of-store" >&2; exit 1') },
    secrets: 'MINIO_SECRET_KEY=k3y-of-store\n\n',
  });
  const { lastWords } = await agent.ended;
  assert.doesNotMatch(agent.log(), /THE0_SECRETS_FD|MINIO|fd 3 is open/);
  assert.deepEqual(lastWords, { the0: 1, code: 'bot-exited', facts: { exitCode: 1, detail: 'refused: ***' } });
});

test('version names this program', async (t) => {
  const agent = await AgentProcess.start(t, { files: {}, args: ['version'] });
  assert.equal((await agent.ended).code, 0);
  assert.match(agent.stdout, /^the0-runtime version \d+\.\d+\.\d+\n$/);
});

test('an unknown command and an unknown flag are refused', async (t) => {
  const command = await AgentProcess.start(t, { files: {}, args: ['daemon', 'dance'] });
  assert.equal((await command.ended).code, 1);
  assert.match(command.stderr, /^Error: unknown command "daemon dance"/);
  const flag = await AgentProcess.start(t, { files: {}, args: ['execute', '--nonsense'] });
  assert.equal((await flag.ended).code, 1);
  assert.match(flag.stderr, /^Error: unknown flag: --nonsense\n$/);
});

test('a question whose result needs an object store is refused, not half answered', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('touch asked') },
    env: { QUERY_RESULT_KEY: 'bot-1/x/result.json' },
    args: ['execute', '--query', '/status'],
  });
  assert.equal((await agent.ended).code, 1);
  assert.match(agent.stderr, /QUERY_RESULT_KEY asks for the result in an object store/);
  assert.equal(existsSync(join(agent.root, 'code', 'asked')), false);
});

test('the query server can run alone in the foreground', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { query: sh('echo "path [$QUERY_PATH]"; exit 6') },
    env: { QUERY_ENTRYPOINT: 'query' },
    args: ['execute', '--query-server-only'],
  });
  assert.equal((await agent.ended).code, 6);
  assert.equal(agent.stdout, 'path []\n');
});

test('the query server alone waits for the code that another container brings', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {},
    env: { QUERY_ENTRYPOINT: 'query' },
    args: ['execute', '--query-server-only'],
  });
  // Long enough for it to look in vain.
  await delay(1_000);
  const code = join(agent.root, 'code');
  writeFileSync(join(code, 'draft'), sh('echo "served"; exit 6'), { mode: 0o644 });
  renameSync(join(code, 'draft'), join(code, 'query'));
  assert.equal((await agent.ended).code, 6);
  assert.equal(agent.stdout, 'served\n');
});

test('the query server alone does not wait for ever for code that nobody brings', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {},
    env: { QUERY_ENTRYPOINT: 'query', THE0_AGENT_LIMITS: agentLimitsOf({ codeWaitMs: 50 }) },
    args: ['execute', '--query-server-only'],
  });
  const { code, lastWords } = await agent.ended;
  assert.equal(code, 1);
  assert.deepEqual(lastWords, { the0: 1, code: 'entrypoint-missing', facts: { path: 'query' } });
});

/** The directory of results is fixed (contract 8.6) and needs root where it is not there. */
const mayMakeResults = { skip: process.getuid?.() === 0 ? false : 'needs root, to make /query' };

test(
  'a question is asked by QUERY_PATH or --query, which wins, of a program that archives left unexecutable',
  mayMakeResults,
  async (t) => {
    const asked = async (env: Record<string, string>, args: readonly string[]) => {
      const agent = await AgentProcess.start(t, {
        files: { bot: sh('echo "the bot"'), query: sh('echo "asked for $QUERY_PATH"; exit 5') },
        env,
        args: ['execute', ...args],
        prepare: (root) => chmodSync(join(root, 'code', 'query'), 0o644),
      });
      assert.equal((await agent.ended).code, 5, agent.stderr);
      assert.equal(agent.log(), '');
      return agent.stdout;
    };
    const env = { QUERY_ENTRYPOINT: 'query', QUERY_PATH: '/by-variable' };
    assert.equal(await asked(env, []), 'asked for /by-variable\n');
    assert.equal(await asked(env, ['--query', '/by-flag']), 'asked for /by-flag\n');
  },
);

test('an agent that is killed leaves a blank termination log: nobody need wait for words', async (t) => {
  const earlier = await AgentProcess.start(t, { files: { bot: sh('exit 0') } });
  await earlier.ended;
  const terminationLog = join(earlier.root, 'last-words');
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('kill -9 $PPID') },
    env: { THE0_TERMINATION_LOG: terminationLog },
  });
  await agent.ended;
  assert.match(readFileSync(terminationLog, 'utf8'), /^ +$/);
});

test('a termination log that cannot be written is taken away: a blank one would say that there were no words', async (t) => {
  const earlier = await AgentProcess.start(t, { files: { bot: sh('exit 0') } });
  await earlier.ended;
  const terminationLog = join(earlier.root, 'last-words');
  const agent = await AgentProcess.start(t, {
    files: { bot: sh(`rm ${terminationLog}; ln -s /dev/full ${terminationLog}; exit 4`) },
    env: { THE0_TERMINATION_LOG: terminationLog },
  });
  assert.match(JSON.stringify((await agent.ended).lastWords), /"code":"bot-exited"/);
  assert.equal(existsSync(terminationLog), false);
});

test('last words go to the termination log too', async (t) => {
  const earlier = await AgentProcess.start(t, { files: { bot: sh('exit 0') } });
  await earlier.ended;
  const terminationLog = join(earlier.root, 'last-words');
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('exit 4') },
    env: { THE0_TERMINATION_LOG: terminationLog },
  });
  const { lastWords } = await agent.ended;
  assert.deepEqual(JSON.parse(readFileSync(terminationLog, 'utf8')), lastWords);
});

test('a bot runs, and ends with its own code, also where no log can be written', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('echo runs; exit 7') },
    env: { LOGS_PATH: '/dev/null/logs', IS_SCHEDULED: 'true' },
  });
  const { code, lastWords } = await agent.ended;
  assert.deepEqual(lastWords, { the0: 1, code: 'bot-exited', facts: { exitCode: 7 } });
  assert.equal(code, 7);
  assert.equal(agent.stdout, 'runs\n');
  assert.match(agent.stderr, /cannot write \/dev\/null\/logs\/bot\.log/);
});
