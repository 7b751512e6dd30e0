import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { loadSettings } from '../../../../src/config/load-settings.ts';
import { containerName } from '../../../../src/engine/docker/container-name.ts';
import { dockerProxy } from '../../../engine/docker/docker-proxy.ts';
import { docker } from '../../../services/docker.ts';
import { writeBot, writeWhole } from '../../bot-folders.ts';
import { poll } from '../../runtime-under-test.ts';
import { type BadLuck, badLuck } from '../bad-luck.ts';
import { IDLE, WITNESS_NODE } from '../bots.ts';
import { logOf } from '../log.ts';
import { mountMemory } from '../memory-disk.ts';
import { processesOf } from '../processes.ts';
import type { Scene } from '../scene.ts';
import { troubleTells, whyTells } from '../told.ts';
import { uniqueId } from '../unique-id.ts';

/** A dependency that is back is noticed soon. */
const SOON = ['--dependency-retry', '300ms', '--bots-retry', '300ms', '--journal-retry', '200ms'];

/** What the runtime itself needs goes away, and comes back. */
export const DEPENDENCIES: readonly BadLuck[] = [
  badLuck({
    name: 'the disk gets full: bots go on, what cannot be written is told, and all is well when there is room again',
    needs: ['root'],
    async arrange(scene) {
      const folders = await scene.folders();
      const disk = await mountMemory(scene, folders.dataDir, 'rw');
      const runtime = await scene.ownRuntime({ folders, flags: [...SOON, '--stop-grace', '1s'] });
      const witnesses = await scene.ownWitnesses(runtime);
      const victim = uniqueId('disk-victim');
      await writeBot(runtime.botsDir, { ...IDLE, id: victim });
      const { bot } = await processesOf(runtime, victim);
      await runtime.until(victim, 'runs', ({ state }) => state === 'running');
      await disk.fill();
      process.kill(bot.pid, 'SIGKILL');
      const newcomer = uniqueId('disk-newcomer');
      // Larger than what the end of a bot's notes may set free.
      const files = { ...WITNESS_NODE.files, 'prices.csv': '1,2,3,4\n'.repeat(16_384) };
      await writeBot(runtime.botsDir, { id: newcomer, files });
      return { runtime, disk, witnesses, victim, newcomer };
    },
    async expect(scene, { runtime, disk, witnesses, victim, newcomer }) {
      witnesses.watch();
      await whyTells(runtime, newcomer, {
        code: 'code-unreadable',
        state: 'blocked',
        text: ['the disk of the data directory is full'],
        advice: [/./],
      });
      await whyTells(runtime, victim, { code: 'bot-killed', text: ['SIGKILL'], advice: [/./] });
      const mistyped = uniqueId('disk-mistyped');
      await mkdir(join(runtime.botsDir, mistyped));
      let mistakes = 0;
      await poll(
        'the last free block of the journal to be used up',
        async () => {
          await disk.fill();
          // Each mistake is another reason for the journal to note.
          mistakes += 1;
          await writeWhole(join(runtime.botsDir, mistyped, 'bot.json'), `${' '.repeat(mistakes)}{`);
          return (await runtime.admin.overview()).troubles.length > 0 || undefined;
        },
        60_000,
        300,
      );
      await troubleTells(runtime, ['journal', 'the disk is full', 'bots go on']);
      await witnesses.undisturbed();
      await disk.free();
      await runtime.until(victim, 'runs again', ({ state }) => state === 'running');
      await runtime.until(newcomer, 'runs', ({ state }) => state === 'running');
      await scene.answers(newcomer, '/life', runtime);
      await troubleTells(runtime, null);
      await witnesses.stopWatching();
      await witnesses.undisturbed();
      await whyTells(runtime, newcomer, { code: 'started', state: 'running', text: [/started/], advice: [] });
      assert.equal(typeof (await logOf(runtime, newcomer)), 'string');
    },
  }),

  badLuck({
    name: 'Docker goes away and comes back: bots go on and answer, what waits for it says so, then all catches up',
    engines: ['docker'],
    async arrange(scene) {
      const proxy = await dockerProxy(scene);
      const { runtime, witnesses, victim } = await behind(proxy.socketPath, scene, 'docker-victim');
      proxy.cut();
      return { proxy, runtime, witnesses, victim };
    },
    async expect(scene, { proxy, runtime, witnesses, victim }) {
      witnesses.watch();
      await troubleTells(runtime, ['Docker cannot be reached', 'Start it', 'DOCKER_HOST']);
      await docker.getContainer(containerName(victim)).kill();
      const newcomer = uniqueId('docker-newcomer');
      await writeBot(runtime.botsDir, { ...WITNESS_NODE, id: newcomer });
      await whyTells(runtime, newcomer, {
        code: 'engine-unreachable',
        state: 'waiting',
        text: ['The engine that runs the bots cannot be reached'],
        advice: ['Start the engine', 'this bot goes on when the engine answers'],
      });
      proxy.restore();
      await caughtUp(scene, runtime, victim, newcomer);
      await witnesses.stopWatching();
      await witnesses.undisturbed();
    },
  }),

  badLuck({
    name: 'Docker hangs: bots go on and answer, what waits for it says so, then all catches up',
    engines: ['docker'],
    async arrange(scene) {
      const proxy = await dockerProxy(scene);
      const { runtime, witnesses, victim } = await behind(proxy.socketPath, scene, 'docker-hang-victim');
      proxy.hang();
      return { proxy, runtime, witnesses, victim };
    },
    async expect(scene, { proxy, runtime, witnesses, victim }) {
      witnesses.watch();
      const newcomer = uniqueId('docker-hang-newcomer');
      await writeBot(runtime.botsDir, { ...WITNESS_NODE, id: newcomer });
      await whyTells(runtime, newcomer, {
        code: 'engine-unreachable',
        state: 'waiting',
        text: ['cannot be reached', /no answer to ".*" within 1000 ms/],
        advice: ['this bot goes on when the engine answers'],
      });
      await troubleTells(runtime, ['Docker cannot be reached', 'it hangs']);
      await docker.getContainer(containerName(victim)).kill();
      proxy.cut();
      proxy.restore();
      await caughtUp(scene, runtime, victim, newcomer);
      await witnesses.stopWatching();
      await witnesses.undisturbed();
    },
  }),

  badLuck({
    name: 'the image is missing: bots wait and say how to build it, and start when it is there',
    engines: ['docker'],
    async arrange(scene) {
      const tag = `the0-not-there:${uniqueId('a')}`;
      const flags = ['--runtime-image', tag, '--pull', 'never', ...SOON];
      const runtime = await scene.ownRuntime({ folders: await scene.folders(), flags });
      const id = uniqueId('image-missing');
      await writeBot(runtime.botsDir, { ...IDLE, id });
      return { runtime, tag, id };
    },
    async expect(scene, { runtime, tag, id }) {
      await whyTells(runtime, id, {
        code: 'image-missing',
        state: 'waiting',
        text: [tag, 'is missing'],
        advice: ['npm run image', 'starts when the image is there'],
      });
      const [repo = '', version = ''] = tag.split(':');
      await docker.getImage(loadSettings({}).settings.docker.image).tag({ repo, tag: version });
      scene.after(async () => void (await docker.getImage(tag).remove({ force: true })));
      await runtime.until(id, 'runs', ({ state }) => state === 'running');
      await runtime.end('SIGINT');
    },
  }),

  badLuck({
    name: 'the image is missing and cannot be fetched: bots wait and say what the registry said',
    engines: ['docker'],
    async arrange(scene) {
      const tag = 'localhost:1/the0-not-there:1';
      const flags = ['--runtime-image', tag, ...SOON];
      const runtime = await scene.ownRuntime({ folders: await scene.folders(), flags });
      const id = uniqueId('image-not-pulled');
      await writeBot(runtime.botsDir, { ...IDLE, id });
      return { runtime, tag, id };
    },
    async expect(_scene, { runtime, tag, id }) {
      await whyTells(runtime, id, {
        code: 'image-missing',
        state: 'waiting',
        text: [tag, 'is missing', 'connection refused'],
        advice: ['name another image'],
      });
    },
  }),
];

/** A runtime that reaches Docker only through this socket. */
async function behind(socketPath: string, scene: Scene, name: string) {
  const flags = [
    ...SOON,
    '--docker-call-deadline',
    '1s',
    '--docker-list-deadline',
    '1s',
    '--docker-start-deadline',
    '5s',
  ];
  const env = { DOCKER_HOST: `unix://${socketPath}` };
  const runtime = await scene.ownRuntime({ folders: await scene.folders(), flags, env });
  const witnesses = await scene.ownWitnesses(runtime);
  const victim = uniqueId(name);
  await writeBot(runtime.botsDir, { ...IDLE, id: victim });
  await runtime.until(victim, 'runs', ({ state }) => state === 'running');
  return { runtime, witnesses, victim };
}

async function caughtUp(scene: Scene, runtime: Scene['runtime'], victim: string, newcomer: string): Promise<void> {
  await troubleTells(runtime, null);
  await whyTells(runtime, victim, { code: 'bot-killed', text: ['SIGKILL'], advice: [/started again/] });
  await runtime.until(victim, 'runs again', ({ state, restarts }) => state === 'running' && restarts > 0);
  await runtime.until(newcomer, 'runs', ({ state }) => state === 'running');
  await scene.answers(newcomer, '/life', runtime);
}
