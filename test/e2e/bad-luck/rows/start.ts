import { chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { dockerProxy } from '../../../engine/docker/docker-proxy.ts';
import { writeBot } from '../../bot-folders.ts';
import type { StartOptions } from '../../runtime-under-test.ts';
import { type BadLuck, badLuck, type Engine } from '../bad-luck.ts';
import { IDLE, pythonBot } from '../bots.ts';
import type { Need } from '../host.ts';
import { mountMemory } from '../memory-disk.ts';
import type { Scene } from '../scene.ts';
import { refusesToStart, type Words, whyTells } from '../told.ts';
import { uniqueId } from '../unique-id.ts';

type Refused = Omit<StartOptions, 'engine'>;
const NOBODY_IN_PARTICULAR = 1000;

/** What keeps `up` from starting: it must end with exit code 1 and say why, and what to do. */
export const STARTS: readonly BadLuck[] = [
  refused(
    'the query port is taken, by another runtime',
    async (scene) => ({
      folders: await scene.folders(),
      flags: ['--query-port', new URL(scene.runtime.queryUrl).port],
    }),
    [/error: port \d+ on 127\.0\.0\.1 is in use/, 'stop what listens there', '--query-port'],
  ),
  refused(
    'the query port is taken, by another program',
    async (scene) => ({ folders: await scene.folders(), flags: ['--query-port', String(await takenPort(scene))] }),
    [/error: port \d+ on 127\.0\.0\.1 is in use/, 'stop what listens there'],
  ),
  refused(
    'queries are to be answered on an address of another machine',
    async (scene) => ({ folders: await scene.folders(), flags: ['--host', '192.0.2.1'] }),
    ['192.0.2.1', 'must be an address of this machine'],
  ),
  refused(
    'the data directory is used by another runtime',
    async ({ runtime: { dataDir, botsDir } }) => ({ folders: { root: '/', dataDir, botsDir } }),
    [/another runtime \(process \d+\) uses the data directory/, /(the0-runtime|bin\.cjs) down/, '--data-dir'],
  ),
  refused(
    'the data directory is a file',
    async (scene) => {
      const folders = await scene.folders();
      await writeFile(folders.dataDir, '');
      return { folders };
    },
    ['is not a directory', 'Choose another place with --data-dir'],
  ),
  refused(
    'the data directory is on a file system that can only be read',
    async (scene) => {
      const folders = await scene.folders();
      await mountMemory(scene, folders.dataDir, 'ro');
      return { folders };
    },
    ['is not writable (EROFS)', 'Make it writable', '--data-dir'],
    { needs: ['root'] },
  ),
  refused(
    'the data directory belongs to another user',
    async (scene) => {
      const folders = await scene.folders();
      await chown(folders.root, NOBODY_IN_PARTICULAR, NOBODY_IN_PARTICULAR);
      await mkdir(folders.dataDir, { mode: 0o755 });
      return { folders, user: NOBODY_IN_PARTICULAR };
    },
    ['is not writable (EACCES)', 'Make it writable', '--data-dir'],
    { needs: ['root'] },
  ),
  refused(
    'the disk is full before the start',
    async (scene) => {
      const folders = await scene.folders();
      const disk = await mountMemory(scene, folders.dataDir, 'rw');
      await disk.fill();
      return { folders };
    },
    ['the disk of the data directory', 'is full', 'Free some space'],
    { needs: ['root'] },
  ),
  refused(
    'the data directory is of a later version',
    async (scene) => {
      const folders = await scene.folders();
      await mkdir(folders.dataDir);
      await writeFile(join(folders.dataDir, 'format.json'), '{"format":99,"instance":"x"}');
      return { folders };
    },
    ['newer version of the runtime (format 99', 'Use that version again'],
  ),
  refused(
    'the folder of bots is not there',
    async (scene) => {
      const folders = await scene.folders();
      return { folders: { ...folders, botsDir: join(folders.root, 'nowhere') } };
    },
    ['the bots folder', 'does not exist', '--bots'],
  ),
  flag('a flag has a value it cannot have', ['--query-port', 'hello'], ['--query-port: "hello" is not a whole number']),
  flag('a flag is negative', ['--stop-grace=-1s'], ['--stop-grace: "-1s" is not a duration']),
  flag('a flag is unknown', ['--nonsense'], ["unknown option '--nonsense'", '--help']),
  flag('several flags are wrong', ['--shards', 'many', '--bot-log-size', '3 apples'], ['--shards', '--bot-log-size']),
  refused(
    'an environment variable is wrong',
    async (scene) => ({ folders: await scene.folders(), env: { THE0_STOP_GRACE: 'soon' } }),
    ['environment variable THE0_STOP_GRACE: "soon" is not a duration'],
  ),
  refused(
    'Docker is not there',
    async (scene) => {
      const folders = await scene.folders();
      return { folders, env: { DOCKER_HOST: `unix://${folders.root}/docker.sock` } };
    },
    ['Docker cannot be reached', 'ENOENT', 'Start it', 'DOCKER_HOST'],
    { engines: ['docker'] },
  ),
  refused(
    'Docker takes questions and does not answer',
    async (scene) => {
      const proxy = await dockerProxy(scene);
      proxy.hang();
      const env = { DOCKER_HOST: `unix://${proxy.socketPath}` };
      const flags = ['--docker-call-deadline', '500ms', '--docker-list-deadline', '500ms'];
      return { folders: await scene.folders(), flags, env };
    },
    ['Docker cannot be reached', 'no answer to', 'within 500 ms', 'very slow, or it hangs'],
    { engines: ['docker'] },
  ),

  badLuck({
    name: 'there is no python3: the Python bot is blocked, the others run; once there is one, `reset` starts it',
    engines: ['process'],
    async arrange(scene) {
      const folders = await scene.folders();
      const programs = join(folders.root, 'bin');
      await mkdir(programs);
      const python = uniqueId('needs-python');
      const node = uniqueId('needs-none');
      await writeBot(folders.botsDir, {
        ...pythonBot('import time\n\ndef main(bot_id, config):\n    while True:\n        time.sleep(1)\n'),
        id: python,
      });
      await writeBot(folders.botsDir, { ...IDLE, id: node });
      const runtime = await scene.ownRuntime({
        folders,
        flags: ['--missing-program-wait', '0'],
        env: { PATH: programs },
      });
      return { runtime, programs, python, node };
    },
    async expect({ host }, { runtime, programs, python, node }) {
      await whyTells(runtime, python, {
        code: 'program-missing',
        state: 'blocked',
        text: ['This host has no "python3"', 'python3.11'],
        advice: ['Install it, then `reset` the bot', '--engine docker'],
      });
      await runtime.until(node, 'runs', ({ state, restarts }) => state === 'running' && restarts === 0);
      if (host.python3 === null) return;
      await symlink(host.python3, join(programs, 'python3'));
      await runtime.admin.reset(python);
      await runtime.until(python, 'runs', ({ state }) => state === 'running');
    },
  }),
];

function flag(name: string, flags: readonly string[], words: Words): BadLuck {
  return refused(name, async (scene) => ({ folders: await scene.folders(), flags }), words);
}

function refused(
  name: string,
  arrange: (scene: Scene) => Promise<Refused>,
  words: Words,
  limits: { engines?: readonly Engine[]; needs?: readonly Need[] } = {},
): BadLuck {
  return badLuck<Refused>({
    name,
    ...limits,
    arrange,
    async expect({ engine }, options) {
      await refusesToStart({ engine, ...options }, words);
    },
  });
}

async function takenPort(scene: Scene): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen({ host: '127.0.0.1', port: 0 }, listening));
  scene.after(() => new Promise((closed) => server.close(() => closed())));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port has no number');
  return address.port;
}
