import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import { EngineError } from '../../../src/engine/container-engine.ts';
import { type DockerHarness, dockerHarness } from '../../conformance/engine/docker-harness.ts';
import { recordingListener } from '../../conformance/engine/recording-listener.ts';
import { docker, needsDocker } from '../../services/docker.ts';
import { dockerProxy } from './docker-proxy.ts';

const OCCURRENCE = 1_773_501_000;
const DEADLINE_MS = 60_000;
const IMPATIENT_MS = 500;

/** Counts how often it was begun, and goes on until it is ended. */
const COUNTS_AND_STAYS = {
  files: {
    'main.js': `
const fs = require('node:fs');
exports.main = async () => {
  fs.mkdirSync(process.env.STATE_DIR, { recursive: true });
  fs.appendFileSync(process.env.STATE_DIR + '/begun', 'x');
  await new Promise(() => setInterval(() => {}, 1000));
};
`,
  },
};

describe('a run of a scheduled bot whose start Docker carries out late', {
  ...(await needsDocker()),
  concurrency: 2,
}, () => {
  let harness: DockerHarness;
  let incarnation = Date.now();

  before(async () => {
    harness = await dockerHarness();
  });
  after(async () => {
    await harness?.cleanup();
  });

  /** An engine that sees Docker through a proxy. @param startMs how long it waits for a start */
  async function throughProxy(t: TestContext, startMs: number) {
    const proxy = await dockerProxy(t);
    const deadlines = { callMs: DEADLINE_MS, startMs, listMs: DEADLINE_MS, pullMs: DEADLINE_MS };
    const engine = harness.makeEngine({ socketPath: proxy.socketPath, deadlines });
    t.after(() => engine.close());
    const seen = recordingListener();
    await engine.watch(seen);
    const start = (definition: BotDefinition) =>
      engine.start({ definition, incarnation: ++incarnation, inPlace: null, occurrence: OCCURRENCE });
    return { proxy, engine, start };
  }

  async function scheduledBot(): Promise<BotDefinition> {
    return { ...(await harness.makeBot(COUNTS_AND_STAYS)), kind: 'scheduled', schedule: '* * * * *' };
  }

  /** Waits for the first, and long enough that a second could follow. */
  async function begun(botId: string): Promise<string> {
    const file = join(harness.stateDirectory(botId), '.the0-state/begun');
    for (const deadline = Date.now() + DEADLINE_MS; !existsSync(file) && Date.now() < deadline; await sleep(20));
    await sleep(500);
    return readFileSync(file, 'utf8');
  }

  async function containersOf(botId: string) {
    const found = await docker.listContainers({ all: true, filters: { label: [`runtime.id=${botId}`] } });
    return found.map(({ Id, State }) => [Id, State]);
  }

  it('is taken when the answer to the start is lost, and not ended and begun once more', async (t) => {
    const { proxy, start } = await throughProxy(t, IMPATIENT_MS);
    const definition = await scheduledBot();
    proxy.loseAnswersToStarts();
    const { container } = await start(definition);
    assert.deepEqual([container?.phase, container?.occurrence], ['running', OCCURRENCE]);
    const again = await start(definition);
    assert.equal(again.container?.containerId, container?.containerId);
    assert.deepEqual(await containersOf(definition.id), [[container?.containerId, 'running']]);
    assert.equal(await begun(definition.id), 'x');
  });

  it('is taken when it begins while what was created for it is being removed', async (t) => {
    const { proxy, start } = await throughProxy(t, IMPATIENT_MS);
    const definition = await scheduledBot();
    proxy.holdStarts();
    proxy.beforeRemovals(() => proxy.releaseStarts());
    const { container } = await start(definition);
    assert.deepEqual([container?.phase, container?.occurrence], ['running', OCCURRENCE]);
    assert.deepEqual(await containersOf(definition.id), [[container?.containerId, 'running']]);
    assert.equal(await begun(definition.id), 'x');
  });

  it('does not begin when what was created for it is gone by then', async (t) => {
    const { proxy, start } = await throughProxy(t, IMPATIENT_MS);
    const definition = await scheduledBot();
    proxy.holdStarts();
    await assert.rejects(start(definition), (error) => error instanceof EngineError);
    assert.deepEqual(await containersOf(definition.id), []);
    assert.equal(proxy.heldStarts(), 1);
    await proxy.releaseStarts();
    const { container } = await (await throughProxy(t, DEADLINE_MS)).start(definition);
    assert.deepEqual(await containersOf(definition.id), [[container?.containerId, 'running']]);
    assert.equal(await begun(definition.id), 'x');
  });

  for (const step of ['removed', 'started'] as const) {
    it(`of a runtime that was killed, is taken by the next one when it begins while it is ${step}`, async (t) => {
      const killed = await throughProxy(t, IMPATIENT_MS);
      const definition = await scheduledBot();
      const { id: botId } = definition;
      killed.proxy.holdStarts();
      const lost = assert.rejects(killed.start(definition));
      for (const deadline = Date.now() + DEADLINE_MS; killed.proxy.heldStarts() === 0 && Date.now() < deadline; )
        await sleep(5);
      // For Docker it is gone now, and what it asked for is under way.
      killed.proxy.cut();
      await lost;
      const next = await throughProxy(t, DEADLINE_MS);
      const found = await next.engine.inspect(botId);
      assert.equal(found.container?.phase, 'created');
      next.proxy.beforeRemovals(() => killed.proxy.releaseStarts());
      const containerId = found.container.containerId;
      const { container } =
        step === 'removed' ? await next.engine.remove({ botId, containerId }) : await next.start(definition);
      assert.deepEqual([container?.containerId, container?.phase], [containerId, 'running']);
      assert.deepEqual(await containersOf(botId), [[containerId, 'running']]);
      assert.equal(await begun(botId), 'x');
    });
  }
});
