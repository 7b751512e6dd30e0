import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../../src/engine/container-engine.ts';
import { readConditionsInside } from '../../../src/engine/docker/conditions-inside.ts';
import { DockerApi } from '../../../src/engine/docker/docker-api.ts';
import { docker, needsDocker, removeContainersOf } from '../../services/docker.ts';
import { testImage } from '../../services/test-image.ts';

const INSTANCE = randomUUID();
const DEADLINE_MS = 60_000;

/** In its memory file system, out of this host's reach; then it says so and goes on. */
const writes = (text: string) => `
require('node:fs').mkdirSync('/var/the0/logs');
require('node:fs').writeFileSync('/var/the0/logs/conditions.json', ${JSON.stringify(text)});
console.log('ready'); setInterval(() => {}, 1000);`;

const LINK = `
require('node:fs').mkdirSync('/var/the0/logs');
require('node:fs').symlinkSync('/dev/zero', '/var/the0/logs/conditions.json');
console.log('ready'); setInterval(() => {}, 1000);`;

/** Nobody writes into this socket, so a read of it would never end. */
const ENDLESS = `
require('node:fs').mkdirSync('/var/the0/logs');
require('node:fs').symlinkSync('/proc/1/fd/0', '/var/the0/logs/conditions.json');
console.log('ready'); setInterval(() => {}, 1000);`;

describe('conditions inside a container', await needsDocker(), () => {
  const api = new DockerApi(
    { callMs: 60_000, startMs: 60_000, listMs: 60_000, pullMs: 60_000 },
    { calls: 4, stops: 4 },
  );
  let image: string;
  before(async () => {
    image = await testImage();
  });
  after(async () => {
    api.close();
    await removeContainersOf(INSTANCE);
  });

  async function run(program: string, openStdin = false) {
    const container = await docker.createContainer({
      Image: image,
      Entrypoint: ['/usr/bin/node', '-e', program],
      Cmd: [],
      User: '1000:1000',
      OpenStdin: openStdin,
      Labels: { 'the0.instance': INSTANCE },
      HostConfig: { Tmpfs: { '/var/the0': 'rw,uid=1000,gid=1000' } },
    });
    await container.start();
    for (const giveUpAt = performance.now() + DEADLINE_MS; ; await sleep(20)) {
      if ((await container.logs({ stdout: true })).includes('ready')) return container;
      if (performance.now() > giveUpAt) throw new Error('the container never got ready');
    }
  }

  it('are read, also when there are none yet or the container has ended', async () => {
    const condition = { code: 'state-not-stored', message: 'the state cannot be stored', since: 1 };
    const said = await run(writes(JSON.stringify({ v: 1, conditions: [condition] })));
    assert.deepEqual(await readConditionsInside(api, said.id, 'grid'), [condition]);
    await said.kill();
    assert.deepEqual(await readConditionsInside(api, said.id, 'grid'), []);
    const silent = await run("console.log('ready'); setInterval(() => {}, 1000)");
    assert.deepEqual(await readConditionsInside(api, silent.id, 'grid'), []);
    assert.deepEqual(await readConditionsInside(api, 'no-such-container', 'grid'), []);
  });

  it('are refused when the bot has put something else in their place, and nothing is left running', async () => {
    for (const [program, openStdin] of [
      [LINK, false],
      [ENDLESS, true],
      [writes('{"v":2,"conditions":[]}'), false],
    ] as const) {
      const container = await run(program, openStdin);
      await assert.rejects(
        readConditionsInside(api, container.id, 'grid'),
        (error) => error instanceof EngineError && error.failure.code === 'rejected' && error.message.includes('grid'),
      );
      const { Processes: left } = await container.top();
      assert.equal(left.length, 1, JSON.stringify(left));
    }
  });
});
