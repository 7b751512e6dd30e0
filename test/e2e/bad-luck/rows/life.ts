import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { isAlive } from '../../../../src/agent/process-identity.ts';
import { writeBot } from '../../bot-folders.ts';
import { poll } from '../../runtime-under-test.ts';
import { type BadLuck, badLuck } from '../bad-luck.ts';
import { IDLE, nodeBot } from '../bots.ts';
import { logTells } from '../log.ts';
import { bytesIn, processesOf, processesWith, residentBytes } from '../processes.ts';
import { type Told, whyTells } from '../told.ts';
import { uniqueId } from '../unique-id.ts';

const MiB = 1024 * 1024;
/** What the flags of the shared runtime allow a bot's log: two files, and what one write may add. */
const MOST_LOG_BYTES = 2.5 * MiB;
/** The agent's own heap is bounded far below. */
const MOST_AGENT_BYTES = 200 * MiB;
const MOST_GROWTH_BYTES = 150 * MiB;
const FLOOD_BYTES = 200_000_000;

/** What a bot does to itself, and what is done to it. */
export const LIFE: readonly BadLuck[] = [
  ended('a bot throws at once', "exports.main = async () => { throw new Error('no API key for the exchange'); };\n", {
    code: 'bot-crashed',
    text: ['exited with code 1', 'no API key for the exchange'],
    advice: ["Fix the bot's code", 'retried'],
  }),
  ended('a bot exits at once with a code of its own', 'exports.main = () => process.exit(42);\n', {
    code: 'bot-crashed',
    text: ['exited with code 42'],
    advice: ["Fix the bot's code"],
  }),
  ended('a bot ends with code 0', 'exports.main = async () => {};\n', {
    code: 'bot-exited',
    text: ['ended by itself with code 0'],
    advice: ['should run until it is stopped'],
  }),
  ended('a bot crashes in native code', "exports.main = () => process.kill(process.pid, 'SIGSEGV');\n", {
    code: 'bot-killed',
    text: ['SIGSEGV'],
    advice: ['crashed in native code'],
  }),

  badLuck({
    name: 'a bot ignores SIGTERM: it is killed after its grace, and that is told',
    async arrange(scene) {
      const stubborn = nodeBot(`
process.on('SIGTERM', () => {});
exports.main = () => new Promise(() => {
  console.log('deaf');
  setInterval(() => {}, 1000);
});`);
      const id = await scene.addBot('stubborn', stubborn);
      await scene.runtime.until(id, 'runs', ({ state }) => state === 'running');
      await logTells(scene.runtime, id, 'deaf');
      await writeBot(scene.runtime.botsDir, { ...stubborn, id, enabled: false });
      return id;
    },
    async expect({ runtime }, id) {
      await whyTells(runtime, id, {
        code: 'ignored-sigterm',
        text: ['still running after 1 s', 'was killed'],
        advice: ['end itself on SIGTERM'],
      });
      await runtime.until(id, 'is stopped', ({ state, reason }) => state === 'stopped' && reason.code === 'disabled');
    },
  }),

  badLuck({
    name: 'somebody cleans up in the data directory: what bots need to start is made again',
    engines: ['process'],
    async arrange(scene) {
      const folders = await scene.folders();
      const id = uniqueId('cleaned');
      const begins = "console.log('BEGUN');\nexports.main = () => new Promise(() => setInterval(() => {}, 1000));\n";
      await writeBot(folders.botsDir, { ...nodeBot(begins), id });
      const runtime = await scene.ownRuntime({ folders, flags: ['--resync', '1s', '--restart-cap', '1s'] });
      await runtime.until(id, 'runs', ({ state }) => state === 'running');
      const { bot } = await processesOf(runtime, id);
      // Without its code it would end by itself.
      await logTells(runtime, id, 'BEGUN');
      for (const folder of ['cache', 'code', 'run']) await rm(join(folders.dataDir, folder), { recursive: true });
      process.kill(bot.pid, 'SIGKILL');
      return { runtime, id };
    },
    async expect(_scene, { runtime, id }) {
      await whyTells(runtime, id, { code: 'bot-killed', text: ['SIGKILL'], advice: ['It is started again'] });
      await runtime.until(id, 'runs again', ({ state, restarts }) => state === 'running' && restarts > 0);
    },
  }),

  badLuck({
    name: 'a bot starts children and leaves them: none outlives it',
    async arrange(scene) {
      const marker = `86400.${process.pid}${Math.round(performance.now())}`;
      const main = `
const { spawn } = require('node:child_process');
exports.main = async () => {
  spawn('sleep', ['${marker}'], { stdio: 'ignore' });
  spawn('sleep', ['${marker}'], { stdio: 'ignore', detached: true });
  await new Promise((done) => setTimeout(done, 200));
  process.exit(3);
};`;
      return { id: await scene.addBot('parent', nodeBot(main)), marker };
    },
    async expect(scene, { id, marker }) {
      await scene.runtime.until(id, 'crashes again and again', ({ restarts }) => {
        const children = processesWith(marker).length;
        assert.ok(children <= 2, `${children} children of more than one life run at once`);
        return restarts >= 3;
      });
      await whyTells(scene.runtime, id, { code: 'bot-crashed', text: ['exited with code 3'], advice: [/./] });
      await scene.removeBot(id);
      await poll('the last children to end', async () => processesWith(marker).length === 0 || undefined, 60_000);
    },
  }),

  badLuck({
    name: 'a bot writes 100 MB/s to its output: log, memory and the others stay as they are',
    async arrange(scene) {
      const main = `
const { writeSync } = require('node:fs');
const { state } = require('@alexanderwanyoike/the0-node');
const block = Buffer.alloc(1_000_000, 'x'.repeat(999) + '\\n');
exports.main = () => new Promise(() => {
  const startedAt = Date.now();
  let written = 0;
  setInterval(() => {
    const due = (Date.now() - startedAt) * 100_000;
    for (const until = Math.min(due, written + 20_000_000); written < until; written += block.length) writeSync(1, block);
    state.set('written', written);
  }, 20);
});`;
      const query = `
const { query, state } = require('@alexanderwanyoike/the0-node');
query.handler('/written', () => state.get('written', 0));
query.run();`;
      const runtimeBytes = residentBytes(pidOf(scene.runtime.process.pid));
      const files = { 'main.js': main, 'query.js': query };
      return { id: await scene.addBot('flood', { files }), runtimeBytes };
    },
    async expect(scene, { id, runtimeBytes }) {
      const { runtime } = scene;
      const { agent } = await processesOf(runtime, id);
      await poll(
        'the bot to have written enough',
        async () => {
          const agentBytes = residentBytes(agent.pid);
          assert.ok(agentBytes < MOST_AGENT_BYTES, `its agent uses ${agentBytes} bytes of memory`);
          const { body } = await runtime.ask(id, '/written', {}, 5);
          return typeof body.data === 'number' && body.data > FLOOD_BYTES ? true : undefined;
        },
        90_000,
        100,
      );
      const logs = bytesIn(join(runtime.dataDir, 'logs', id));
      assert.ok(logs < MOST_LOG_BYTES, `its log takes ${logs} bytes`);
      const grown = residentBytes(pidOf(runtime.process.pid)) - runtimeBytes;
      assert.ok(grown < MOST_GROWTH_BYTES, `the runtime has grown by ${grown} bytes`);
      await whyTells(runtime, id, { code: 'started', state: 'running', text: [/started/], advice: [] });
      await logTells(runtime, id, 'it wrote more than');
      await scene.removeBot(id);
      await poll('it to end', async () => ((await runtime.bot(id)) === undefined ? true : undefined), 60_000);
    },
  }),

  killed('somebody kills a bot', 'bot'),
  killed("somebody kills a bot's agent: the bot does not live on without it", 'agent'),
];

function ended(name: string, main: string, told: Told): BadLuck {
  return badLuck({
    name,
    arrange: (scene) => scene.addBot(name, nodeBot(main)),
    async expect({ runtime }, id) {
      await whyTells(runtime, id, { ...told, state: 'backing-off' });
    },
  });
}

function killed(name: string, role: 'agent' | 'bot'): BadLuck {
  return badLuck({
    name,
    async arrange(scene) {
      const id = await scene.addBot(`killed-${role}`, IDLE);
      await scene.runtime.until(id, 'runs', ({ state }) => state === 'running');
      const before = await processesOf(scene.runtime, id);
      process.kill(before[role].pid, 'SIGKILL');
      return { id, before };
    },
    async expect({ runtime }, { id, before }) {
      await whyTells(runtime, id, {
        code: 'bot-killed',
        text: ['SIGKILL', 'which the runtime did not send'],
        advice: ['It is started again'],
      });
      await runtime.until(id, 'runs again', ({ state, restarts }) => state === 'running' && restarts === 1);
      assert.equal(isAlive(before.bot), false, 'the bot of the life before is gone');
    },
  });
}

function pidOf(pid: number | undefined): number {
  assert.ok(pid !== undefined);
  return pid;
}
