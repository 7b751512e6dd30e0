import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import { type ContainerEngine, EngineError } from '../../../src/engine/container-engine.ts';
import { containerName } from '../../../src/engine/docker/container-name.ts';
import type { DockerEngineOptions } from '../../../src/engine/docker/docker-engine.ts';
import { type DockerHarness, dockerHarness } from '../../conformance/engine/docker-harness.ts';
import { recordingListener } from '../../conformance/engine/recording-listener.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import { docker, needsDocker } from '../../services/docker.ts';
import { takeOverTurn } from '../../services/take-over-turn.ts';
import { testImage } from '../../services/test-image.ts';
import { dockerProxy } from './docker-proxy.ts';
import { createGoContainer, type GoBot, listAsGo, RUNS, storedNodeBot } from './go-runtime.ts';

const CONFIG = { symbol: 'BTC/USD', note: 'a<b>&', nested: { z: [1, null, 0.1], y: true } };

describe('containers of the Go runtime', await needsDocker(), () => {
  let harness: DockerHarness;
  let image: string;
  const made: string[] = [];
  let incarnation = Date.now();
  let endTurn = () => {};

  before(async () => {
    endTurn = await takeOverTurn();
    harness = await dockerHarness();
    image = await testImage();
  });
  after(async () => {
    await Promise.all(
      made.map((id) =>
        docker
          .getContainer(id)
          .remove({ force: true })
          .catch(() => undefined),
      ),
    );
    await harness?.cleanup();
    endTurn();
  });

  const define = (changes: Partial<BotDefinition> = {}): BotDefinition => ({
    ...storedNodeBot(`go-${randomUUID().slice(0, 8)}`, 'user/grid/1.0.0', CONFIG),
    specRevision: 'desired',
    ...changes,
  });

  async function go(definition: BotDefinition, more: Partial<GoBot> = {}, starts = true) {
    const container = await createGoContainer({ definition, image, command: RUNS, ...more });
    made.push(container.id);
    if (!starts) return container;
    await container.start();
    if (more.command === undefined)
      await poll('it to listen to SIGTERM', async () => (await said(container)) || undefined, 30_000);
    return container;
  }

  async function said(container: Docker.Container): Promise<boolean> {
    return (await container.logs({ stdout: true, follow: false })).includes('up');
  }

  async function watched(
    t: TestContext,
    desired: ReadonlyMap<string, BotDefinition> | readonly BotDefinition[] = [],
    more: Partial<DockerEngineOptions> = {},
  ) {
    const byId = desired instanceof Map ? desired : new Map([...desired.values()].map((one) => [one.id, one]));
    const engine = harness.makeEngine({
      directories: null,
      takesOver: { definitionOf: (botId) => byId.get(botId) ?? null },
      stopGraceMs: 10_000,
      ...more,
    });
    t.after(() => engine.close());
    const seen = recordingListener();
    await engine.watch(seen);
    return { engine, seen };
  }

  const stateOf = async (id: string) => {
    try {
      return (await docker.getContainer(id).inspect()).State;
    } catch {
      return null; // Removed.
    }
  };

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (!(await holds())) {
      if (Date.now() > deadline) assert.fail(`in vain: ${what}`);
      await sleep(50);
    }
  }

  const look = async (engine: ContainerEngine, { id }: BotDefinition) => (await engine.inspect(id)).container;

  it('are of the desired revision when all they show is as desired, whatever is found out first', async (t) => {
    const [bot, asked] = [define(), define({ queryEntrypoint: 'query.js', config: {} })];
    const desired = new Map<string, BotDefinition>();
    const containers = [await go(bot), await go(asked, { env: { CONFIG: 'null', BOT_CONFIG: '{}' } })];
    const started = await Promise.all(containers.map(async ({ id }) => (await stateOf(id))?.StartedAt));
    const { engine, seen } = await watched(t, desired);
    const [first] = seen.of(bot.id);
    assert.equal(first?.container?.phase, 'running');
    assert.match(first.container.specRevision, /^go-/);
    for (const one of [bot, asked]) desired.set(one.id, one);
    const facts = await look(engine, bot);
    assert.deepEqual(
      [facts?.containerId, facts?.specRevision, facts?.shapeRevision, facts?.endpoint],
      [containers[0]?.id, 'desired', 'go-runtime', null],
    );
    assert.equal((await look(engine, asked))?.endpoint?.port, 9476);
    // Later ones are compared with what it turned out to be.
    desired.set(bot.id, { ...bot, version: '2.0.0', specRevision: 'edited' });
    assert.equal((await look(engine, bot))?.specRevision, 'desired');
    assert.deepEqual(await Promise.all(containers.map(async ({ id }) => (await stateOf(id))?.StartedAt)), started);
    assert.match(
      (await engine.conditions({ botId: bot.id, containerId: containers[0]?.id ?? '' })).map(({ code }) => code).join(),
      /^$/,
    );
  });

  it('are of another revision when anything they show is another, and are ended like any', async (t) => {
    const differences: Partial<BotDefinition>[] = [
      { config: { ...CONFIG, symbol: 'ETH/USD' } },
      { filePath: 'user/grid/1.0.1' },
      { runtime: 'python3.11' },
      { entrypoint: 'other.js' },
      { queryEntrypoint: 'query.js' },
      { filePath: '' },
    ];
    const bots = differences.map(() => define());
    const containers = await Promise.all(bots.map((bot) => go(bot)));
    const { engine, seen } = await watched(
      t,
      bots.map((bot, index) => ({ ...bot, ...differences[index] })),
    );
    for (const bot of bots) assert.match(seen.of(bot.id)[0]?.container?.specRevision ?? '', /^go-/);
    const [bot, container] = [bots[0], containers[0]];
    assert.ok(bot !== undefined && container !== undefined);
    const request = { botId: bot.id, containerId: container.id };
    const stopped = await engine.stop(request);
    assert.deepEqual([stopped.container?.phase, stopped.lastExit?.code], ['exited', 0]);
    assert.equal((await engine.remove(request)).container, null);
    assert.equal(await stateOf(container.id), null);
  });

  it('that have ended are removed by the next start, which makes one of ours', async (t) => {
    const bot = define();
    const container = await go(bot);
    await container.kill();
    await container.wait();
    const { engine, seen } = await watched(t, [bot]);
    const [found] = seen.of(bot.id);
    assert.deepEqual([found?.container?.phase, found?.container?.specRevision], ['exited', 'desired']);
    const { container: ours } = await engine.start({
      definition: bot,
      incarnation: ++incarnation,
      inPlace: container.id,
    });
    assert.notEqual(ours?.containerId, container.id);
    assert.equal(await stateOf(container.id), null);
    assert.equal((await docker.getContainer(containerName(bot.id)).inspect()).Id, ours?.containerId);
  });

  it('keep a second copy from being started beside them', async (t) => {
    const [same, other] = [define(), define()];
    const { engine } = await watched(t, [same, other]);
    // Made while nobody hears of it: not started yet.
    const adopted = await go(same, {}, false);
    const strange = await go({ ...other, config: {} }, {}, false);
    await Promise.all([adopted.start(), strange.start()]);
    const { container } = await engine.start({ definition: same, incarnation: ++incarnation, inPlace: null });
    assert.equal(container?.containerId, adopted.id);
    await assert.rejects(engine.start({ definition: other, incarnation: ++incarnation, inPlace: null }), (error) => {
      assert.ok(error instanceof EngineError);
      assert.equal(error.failure.code, 'name-taken');
      assert.match(error.message, /of the Go runtime runs it/);
      return true;
    });
    assert.deepEqual(await listAsGo(other.id), { running: [strange.id], exited: [] });
  });

  it('of which one bot has several are ended but for the newest that runs', async (t) => {
    const bot = define();
    const oldest = await go(bot);
    const exited = await go(bot);
    await exited.kill();
    // Their age is told in seconds.
    await sleep(1_100);
    const newest = await go(bot);
    const { engine } = await watched(t, [bot]);
    assert.equal((await look(engine, bot))?.containerId, newest.id);
    await until(
      'the others are gone',
      async () => (await stateOf(oldest.id)) === null && (await stateOf(exited.id)) === null,
    );
    assert.equal((await stateOf(newest.id))?.Running, true);
    assert.deepEqual(engine.troubles, []);
  });

  it('of which one too many cannot be ended are told, and ended as soon as that can be', async (t) => {
    const bot = define();
    const oldest = await go(bot);
    await sleep(1_100);
    await go(bot);
    const proxy = await dockerProxy(t);
    let removable = false;
    proxy.beforeRemovals(async () => assert.ok(removable));
    const { engine } = await watched(t, [bot], { socketPath: proxy.socketPath, resyncMs: 100 });
    await until('it is told', async () => engine.troubles?.length === 1);
    assert.match(
      engine.troubles?.join() ?? '',
      new RegExp(`^The container ${oldest.id.slice(0, 12)} .* cannot be ended \\(.+\\); it is tried again`),
    );
    removable = true;
    await until('it is gone', async () => (await stateOf(oldest.id)) === null);
    await until('it is not told any more', async () => engine.troubles?.length === 0);
  });

  it('that somebody starts beside a running bot are ended, and that is said', async (t) => {
    const bot = define();
    const first = await go(bot);
    const { engine, seen } = await watched(t, [bot]);
    const since = seen.observations.length;
    const second = await go(bot);
    await until('the second is gone', async () => (await stateOf(second.id)) === null);
    assert.equal((await look(engine, bot))?.containerId, first.id);
    assert.equal((await stateOf(first.id))?.Running, true);
    assert.match(
      engine.troubles?.join() ?? '',
      new RegExp(`started a container of bot .*${second.id.slice(0, 12)}.*bot-runner`),
    );
    await first.kill();
    const { lastExit } = await seen.waitFor(bot.id, (one) => one.lastExit !== null, since);
    assert.equal(lastExit?.signal, 'SIGKILL');
  });

  it('are left alone when they are scheduled runs or queries, or when nothing is to be taken over', async (t) => {
    const [scheduled, realtime] = [define(), define()];
    const [run, bot] = [await go(scheduled, { type: 'scheduled' }), await go(realtime)];
    const { engine, seen } = await watched(t, [scheduled]);
    assert.deepEqual(seen.of(scheduled.id), []);
    assert.equal(await look(engine, scheduled), null);
    const alone = harness.makeEngine({ directories: null });
    t.after(() => alone.close());
    const heard = recordingListener();
    await alone.watch(heard);
    assert.deepEqual(heard.of(realtime.id), []);
    for (const { id } of [run, bot]) assert.equal((await stateOf(id))?.Running, true);
  });

  it('of a scheduled run that is under way keep the same bot from being run a second time', async (t) => {
    const bot = define({ kind: 'scheduled', schedule: '* * * * *', filePath: '' });
    const run = await go(bot, { type: 'scheduled' });
    const engine = harness.makeEngine({
      kinds: ['scheduled'],
      takesOver: { definitionOf: () => bot },
    });
    t.after(() => engine.close());
    const seen = recordingListener();
    await engine.watch(seen);
    assert.deepEqual(seen.of(bot.id), []);
    const start = () =>
      engine.start({ definition: bot, incarnation: incarnation++, inPlace: null, occurrence: 1_800_000_000 });
    await assert.rejects(start(), (error) => error instanceof EngineError && error.failure.code === 'name-taken');
    assert.equal((await stateOf(run.id))?.Running, true);
    await run.kill();
  });

  it('are followed by those of ours, which the Go runtime finds, and removes when they have ended', async (t) => {
    const bot = define({ filePath: '' });
    const definition = {
      ...(await harness.makeBot({ files: { 'main.js': 'setInterval(() => {}, 1e6)' } })),
      id: bot.id,
    };
    const { engine } = await watched(t);
    const { container } = await engine.start({ definition, incarnation: ++incarnation, inPlace: null });
    const containerId = container?.containerId ?? '';
    const found = await listAsGo(bot.id);
    assert.deepEqual([...found.running, ...found.exited], [containerId]);
    const { Labels } = (await docker.getContainer(containerId).inspect()).Config;
    assert.equal(Labels['runtime.type'], 'realtime');
    await docker.getContainer(containerId).remove({ force: true });
    const { container: absent } = await engine.inspect(bot.id);
    assert.equal(absent, null);
  });

  it('are not taken over while their bot-runner runs', async (t) => {
    const runner = await docker.createContainer({
      Image: image,
      Entrypoint: RUNS.slice(0, 1),
      Cmd: [...RUNS.slice(1), 'bot-runner'],
      HostConfig: { AutoRemove: true },
    });
    made.push(runner.id);
    await runner.start();
    await assert.rejects(watched(t), (error) => {
      assert.ok(error instanceof EngineError);
      assert.match(error.message, /Two runtimes.*bot-runner of the Go runtime.*docker kill \S+" \(not "stop"/);
      return true;
    });
    await runner.kill();
  });
});
