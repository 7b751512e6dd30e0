import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentProcess, agentLimitsOf, until } from './agent-process.ts';

const python = { RUNTIME: 'python3.11', ENTRYPOINT: 'main.py' };
const sh = (script: string) => `#!/bin/sh\n${script}\n`;

test('lines of both streams never mix inside a line', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {
      // Written in pieces that end in the middle of lines.
      'main.py': `
import os, threading
def flood(fd, letter):
    data = ((letter * 70 + "\\n") * 2000).encode()
    for start in range(0, len(data), 1013):
        os.write(fd, data[start:start + 1013])
def main(bot_id, config):
    threads = [threading.Thread(target=flood, args=a) for a in ((1, "o"), (2, "e"))]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
`,
    },
    env: python,
  });
  assert.equal((await agent.ended).code, 0);
  const lines = agent.log().trimEnd().split('\n');
  assert.equal(lines.length, 4000);
  assert.deepEqual(
    lines.filter((line) => !/^(o{70}|e{70})$/.test(line)),
    [],
  );
});

test('a last line without a newline is kept as a line', async (t) => {
  const agent = await AgentProcess.start(t, { files: { bot: sh('printf unfinished') } });
  await agent.ended;
  assert.equal(agent.log(), 'unfinished\n');
});

test('the log goes on where the last run ended', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('echo second') },
    prepare: (root) => writeFileSync(join(root, 'logs', 'bot.log'), 'first\n'),
  });
  await agent.ended;
  assert.equal(agent.log(), 'first\nsecond\n');
});

test('a full log file makes room for a new one, and one old file is kept', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('i=0; while [ $i -lt 400 ]; do echo "line $i of four hundred"; i=$((i+1)); sleep 0.001; done') },
    env: { THE0_AGENT_LIMITS: agentLimitsOf({ logFileBytes: 2_000 }) },
  });
  await agent.ended;
  const kept = agent.log('bot.log.1') + agent.log();
  assert.ok(agent.log().length <= 2000 && agent.log('bot.log.1').length <= 2000);
  const numbers = [...kept.matchAll(/^line (\d+) of four hundred$/gm)].map(([, number]) => Number(number));
  const [first = Number.NaN] = numbers;
  assert.deepEqual(
    numbers,
    Array.from({ length: 400 - first }, (_, index) => first + index),
  );
  assert.equal(existsSync(join(agent.root, 'logs', 'bot.log.2')), false);
});

test('a bot that floods its log is not slowed down; what is dropped is counted in few lines', async (t) => {
  const startedAt = performance.now();
  const agent = await AgentProcess.start(t, {
    files: {
      'main.py': `
import os, time
def main(bot_id, config):
    block = (b"x" * 99 + b"\\n") * 655
    for _ in range(1600):  # 105 MB
        os.write(1, block)
    print("the end", flush=True)
`,
    },
    env: { ...python, THE0_AGENT_LIMITS: agentLimitsOf({ logBytesPerSecond: 100_000 }) },
  });
  assert.equal((await agent.ended).code, 0);
  const log = agent.log();
  const notices = [
    ...log.matchAll(/"message":"dropped (\d+) log lines \(\d+ bytes\): it wrote more than 100000 bytes per second"/g),
  ];
  const dropped = notices.reduce((sum, [, count]) => sum + Number(count), 0);
  const kept = log.match(/^(x{99}|the end)$/gm)?.length ?? 0;
  assert.equal(dropped + kept, 655 * 1600 + 1);
  // One a second, however long a slow machine takes for the flood.
  const seconds = (performance.now() - startedAt) / 1_000;
  assert.ok(notices.length >= 1 && notices.length < 10 + 2 * seconds, `${notices.length} notices in ${seconds} s`);
  assert.ok(log.length < 4_000_000 + 200_000 * seconds);
});

test('a full disk does not stop the bot, and one line says what is missing', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {
      bot: sh(
        'printf "lost 1\\nlost 2\\n"; touch ../written; while [ ! -e ../room ]; do sleep 0.02; done; sleep 1.2; echo kept; sleep 0.2; exit 6',
      ),
    },
    env: { THE0_LOG_TEE: '0' },
    // Writing there fails with ENOSPC.
    prepare: (root) => symlinkSync('/dev/full', join(root, 'logs', 'bot.log')),
  });
  await until('the bot to write', () => existsSync(join(agent.root, 'written')));
  await until('the error on stderr', () => agent.stderr.includes('ENOSPC'));
  rmSync(join(agent.root, 'logs', 'bot.log'));
  writeFileSync(join(agent.root, 'room'), '');
  assert.equal((await agent.ended).code, 6);
  const lines = readFileSync(join(agent.root, 'logs', 'bot.log'), 'utf8')
    .trimEnd()
    .split('\n');
  assert.match(lines[0] ?? '', /"message":"dropped 2 log lines: ENOSPC"/);
  assert.deepEqual(lines.slice(1), ['kept']);
});

test('a log that cannot be opened does not keep the bot from running', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: { bot: sh('echo seen; exit 3') },
    prepare: (root) => mkdirSync(join(root, 'logs', 'bot.log')),
  });
  assert.equal((await agent.ended).code, 3);
  assert.equal(agent.stdout, 'seen\n');
  assert.match(agent.stderr, /cannot write .*bot\.log \(EISDIR/);
});

test('a reader of the output that stopped reading does not hold up the bot', async (t) => {
  const agent = await AgentProcess.start(t, {
    files: {
      bot: sh('i=0; while [ $i -lt 300 ]; do head -c 10000 /dev/zero | tr "\\\\0" x; echo; i=$((i+1)); done; exit 2'),
    },
  });
  agent.child.stdout?.pause();
  await until('the whole log', () => agent.log().length === 300 * 10001);
  agent.child.stdout?.resume();
  assert.equal((await agent.ended).code, 2);
});
