import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DEFAULT_AGENT_LIMITS } from '../../../src/agent/agent-limits.ts';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import type { BotSketch } from '../../conformance/engine/bots.ts';
import { type ProcessHarness, processHarness } from '../../conformance/engine/process-harness.ts';
import { recordingListener } from '../../conformance/engine/recording-listener.ts';
import { runs, until } from './harness.ts';

/** Notes its pids and those of a child in a session of its own, and does not care for SIGTERM. */
const stubborn: BotSketch = {
  files: {
    'main.js': `
const { spawn } = require('node:child_process');
const { mkdirSync, writeFileSync, renameSync } = require('node:fs');
exports.main = async () => {
  process.removeAllListeners('SIGTERM');
  process.on('SIGTERM', () => {});
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  mkdirSync(process.env.STATE_DIR, { recursive: true });
  writeFileSync(process.env.STATE_DIR + '/pids.new', process.pid + ' ' + child.pid);
  renameSync(process.env.STATE_DIR + '/pids.new', process.env.STATE_DIR + '/pids');
  await new Promise(() => setInterval(() => {}, 1000));
};
`,
  },
};

interface Scene {
  readonly harness: ProcessHarness;
  readonly definition: BotDefinition;
  readonly runtime: ChildProcess;
  /** Of the bot and its child. */
  readonly pids: readonly number[];
  readonly agentPid: number;
}

async function runningScene(t: TestContext, changes: Partial<BotDefinition> = {}): Promise<Scene> {
  const harness = await processHarness();
  t.after(() => harness.cleanup());
  const definition = { ...(await harness.makeBot(stubborn)), ...changes };
  const options = harness.options({ agentLimits: { ...DEFAULT_AGENT_LIMITS, stopGraceMs: 500 } });
  const root = dirname(harness.runDirectory);
  const runtime = spawn(
    process.execPath,
    [join(import.meta.dirname, 'fixtures/runtime.ts'), JSON.stringify({ root, options, definitions: [definition] })],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.after(() => runtime.kill('SIGKILL'));
  if (runtime.stdout !== null) await once(runtime.stdout, 'data');
  const pidFile = join(harness.stateDirectory(definition.id), '.the0-state', 'pids');
  await until(() => existsSync(pidFile));
  const pids = readFileSync(pidFile, 'utf8').split(' ').map(Number);
  const notes: { agent: { pid: number } } = JSON.parse(
    readFileSync(join(harness.runDirectory, `${definition.id}.json`), 'utf8'),
  );
  t.after(() => {
    for (const pid of pids) killIfThere(pid);
  });
  return { harness, definition, runtime, pids, agentPid: notes.agent.pid };
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended already, as it should be.
  }
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('when the runtime is killed, each bot ends by itself', async (t) => {
  const { runtime, pids, agentPid } = await runningScene(t);
  await killed(runtime);
  const bot = pids[0] ?? 0;
  for (const pid of [bot, agentPid]) {
    let alive = true;
    await until(() => {
      void runs(pid).then((still) => (alive = still));
      return !alive;
    });
  }
});

test('a runtime started right after one was killed finds nothing running, whatever agents and bots did', async (t) => {
  const { harness, runtime, pids, agentPid } = await runningScene(t);
  await killed(runtime);
  const seen = recordingListener();
  await harness.makeEngine().watch(seen);
  for (const pid of [...pids, agentPid]) assert.equal(await runs(pid), false);
  assert.equal(seen.listings[0]?.size, 0);
  assert.deepEqual(readdirSync(harness.runDirectory), []);
});

test('a bot whose agent was killed together with the runtime is found by its notes', async (t) => {
  const { harness, runtime, pids, agentPid } = await runningScene(t);
  runtime.kill('SIGSTOP');
  process.kill(agentPid, 'SIGKILL');
  await killed(runtime);
  assert.equal(await runs(pids[0] ?? 0), true);
  await harness.makeEngine().watch(recordingListener());
  for (const pid of pids) assert.equal(await runs(pid), false);
});

test('a run that was killed with the runtime has been begun, until somebody has taken note of its end', async (t) => {
  const { harness, definition, runtime, pids } = await runningScene(t, { kind: 'scheduled', schedule: '* * * * *' });
  const occurrence = 1_773_501_000;
  const { id: botId } = definition;
  await killed(runtime);
  // The second is one that was killed before it had told anybody what it found.
  for (const look of ['first', 'second']) {
    const engine = harness.makeEngine();
    const seen = recordingListener();
    await engine.watch(seen);
    for (const pid of pids) assert.equal(await runs(pid), false);
    const [found] = seen.of(botId);
    assert.deepEqual([found?.container?.phase, found?.container?.occurrence], ['exited', occurrence], look);
    assert.equal(seen.listings[0]?.has(botId), true);
    const again = await engine.start({ definition, incarnation: Date.now(), inPlace: null, occurrence });
    assert.deepEqual(again.container, found?.container, 'it is not begun once more');
    assert.deepEqual((await engine.inspect(botId)).container, found?.container);
    if (look === 'second') {
      const containerId = found?.container?.containerId ?? '';
      assert.equal((await engine.remove({ botId, containerId })).container, null);
      assert.equal((await engine.inspect(botId)).container, null);
    }
  }
  assert.deepEqual(readdirSync(harness.runDirectory), []);
});
