import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSettings } from '../../../../src/config/load-settings.ts';
import { containerName } from '../../../../src/engine/docker/container-name.ts';
import { docker } from '../../../services/docker.ts';
import { writeBot } from '../../bot-folders.ts';
import { poll } from '../../runtime-under-test.ts';
import { type BadLuck, badLuck } from '../bad-luck.ts';
import { IDLE, nodeBot, WITNESS_NODE } from '../bots.ts';
import type { Scene } from '../scene.ts';
import { says, type Told, whyTells } from '../told.ts';
import { uniqueId } from '../unique-id.ts';

const IMAGE = loadSettings({}).settings.docker.image;
/** Nobody but a person starts a bot again so early. */
const LONG_BACKOFF = ['--restart-first', '10m'];

/** What somebody does to a bot's container behind the runtime's back. */
export const CONTAINERS: readonly BadLuck[] = [
  byHand('somebody removes a container', (id) => container(id).remove({ force: true }), {
    code: 'container-removed',
    text: ["The bot's container was removed from outside"],
    advice: ['it gets a new one', 'disable it'],
  }),
  byHand('somebody stops a container', (id) => container(id).stop({ t: 10 }), {
    code: 'container-stopped',
    text: ['was stopped from outside the runtime'],
    advice: ['it is started again', 'disable it'],
  }),
  byHand('somebody kills a container', (id) => container(id).kill(), {
    code: 'bot-killed',
    text: ['ended by SIGKILL', 'which the runtime did not send'],
    advice: ['It is started again'],
  }),
  byHand('somebody restarts a container', (id) => container(id).restart({ t: 10 }), {
    code: 'container-stopped',
    text: ['was stopped from outside the runtime'],
    advice: [/./],
  }),

  badLuck({
    name: 'somebody starts a container before the runtime tries again: it is kept',
    engines: ['docker'],
    async arrange(scene) {
      const main = `
const { existsSync } = require('node:fs');
exports.main = () => {
  if (!existsSync('/state/calm')) process.exit(5);
  return new Promise(() => setInterval(() => {}, 1000));
};`;
      const runtime = await scene.ownRuntime({ folders: await scene.folders(), flags: LONG_BACKOFF });
      const id = uniqueId('started-by-hand');
      await writeBot(runtime.botsDir, { ...nodeBot(main), id });
      await runtime.until(id, 'waits for its restart', ({ state }) => state === 'backing-off');
      await writeFile(join(runtime.dataDir, 'state', id, 'calm'), '');
      await container(id).start();
      return { runtime, id };
    },
    async expect(_scene, { runtime, id }) {
      await whyTells(runtime, id, {
        code: 'started-by-hand',
        state: 'running',
        text: ['started from outside the runtime', 'kept running'],
        advice: [],
      });
    },
  }),

  badLuck({
    name: 'somebody pauses a container: it is shown, who asks the bot is told, and when it goes on it answers',
    engines: ['docker'],
    async arrange(scene) {
      const id = await scene.addBot('paused', WITNESS_NODE);
      await scene.runtime.until(id, 'runs', ({ state }) => state === 'running');
      await scene.answers(id, '/life');
      await pause(id);
      return id;
    },
    async expect(scene, id) {
      await whyTells(scene.runtime, id, {
        code: 'container-paused',
        state: 'stopped',
        text: ['paused from outside the runtime'],
        advice: ['docker unpause'],
      });
      const { httpStatus, body } = await scene.runtime.ask(id, '/life', {}, 1);
      says(`${httpStatus} ${String(body.error)}`, ['500', 'not running', 'paused']);
      await container(id).unpause();
      await scene.answers(id, '/life');
      await scene.runtime.until(id, 'was left alone', ({ state, restarts }) => state === 'running' && restarts === 0);
    },
  }),

  badLuck({
    name: "another container has the bot's name: the bot waits, and starts when it is gone",
    engines: ['docker'],
    async arrange(scene) {
      const id = uniqueId('name-taken');
      const other = await docker.createContainer({ name: containerName(id), Image: IMAGE });
      scene.after(async () => void (await other.remove({ force: true }).catch(() => undefined)));
      await writeBot(scene.runtime.botsDir, { ...IDLE, id });
      return { id, other };
    },
    async expect({ runtime }, { id, other }) {
      await whyTells(runtime, id, {
        code: 'name-taken',
        state: 'backing-off',
        text: [`"${other.id.slice(0, 12)}"`, "has this bot's name", 'somebody else'],
        advice: ['Remove or rename that container'],
      });
      await other.remove({ force: true });
      await runtime.until(id, 'runs', ({ state }) => state === 'running');
    },
  }),
];

function container(botId: string) {
  return docker.getContainer(containerName(botId));
}

/** On a busy host the kernel does not always manage to freeze a container at the first try. */
async function pause(botId: string): Promise<void> {
  await poll(
    `${botId} to be paused`,
    async () => {
      await container(botId)
        .pause()
        .catch(() => undefined);
      return (await container(botId).inspect()).State.Paused || undefined;
    },
    60_000,
    200,
  );
}

/** The cause is told, and the bot runs again. */
function byHand(name: string, act: (botId: string) => Promise<unknown>, told: Told): BadLuck {
  return badLuck({
    name,
    engines: ['docker'],
    async arrange(scene: Scene) {
      const id = await scene.addBot(name, WITNESS_NODE);
      await scene.runtime.until(id, 'runs', ({ state }) => state === 'running');
      await scene.answers(id, '/life');
      await act(id);
      return id;
    },
    async expect(scene, id) {
      await whyTells(scene.runtime, id, told);
      await scene.runtime.until(id, 'runs again', ({ state }) => state === 'running');
      await scene.answers(id, '/life');
    },
  });
}
