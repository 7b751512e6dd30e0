import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import { EngineError } from '../../../src/engine/container-engine.ts';
import { containerName } from '../../../src/engine/docker/container-name.ts';
import type { DockerEngineOptions } from '../../../src/engine/docker/docker-engine.ts';
import * as bots from '../../conformance/engine/bots.ts';
import { type DockerHarness, dockerHarness } from '../../conformance/engine/docker-harness.ts';
import { recordingListener } from '../../conformance/engine/recording-listener.ts';
import { docker, needsDocker } from '../../services/docker.ts';
import { dockerProxy } from './docker-proxy.ts';

describe('the Docker engine', { ...(await needsDocker()), concurrency: 2 }, () => {
  let harness: DockerHarness;
  let incarnation = Date.now();

  before(async () => {
    harness = await dockerHarness();
  });
  after(async () => {
    await harness?.cleanup();
  });

  async function watched(t: TestContext, overrides: Partial<DockerEngineOptions> = {}) {
    const engine = harness.makeEngine(overrides);
    t.after(() => engine.close());
    const seen = recordingListener();
    await engine.watch(seen);
    const start = (definition: BotDefinition, inPlace: string | null = null) =>
      engine.start({ definition, incarnation: ++incarnation, inPlace });
    const run = async (sketch: bots.BotSketch) => {
      const definition = await harness.makeBot(sketch);
      const { container } = await start(definition);
      assert.ok(container);
      return { definition, botId: definition.id, container, byHand: docker.getContainer(container.containerId) };
    };
    /** Runs a bot until it listens to SIGTERM. */
    const runReady = async (sketch: bots.BotSketch) => {
      const running = await run(sketch);
      const ready = join(harness.stateDirectory(running.botId), '.the0-state/ready');
      await until('the bot is ready', () => existsSync(ready));
      return running;
    };
    return { engine, seen, start, run, runReady };
  }

  const failsWith = (code: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof EngineError, String(error));
    assert.equal(error.failure.code, code);
    assert.match(error.message, message);
    return true;
  };

  describe('a container', () => {
    it('is what contract 5.2 says', async (t) => {
      const { run } = await watched(t);
      const { byHand, definition } = await run(bots.answersQueries);
      const { Config, HostConfig, Name } = await byHand.inspect();
      assert.equal(Name, `/${containerName(definition.id)}`);
      assert.equal(Config.User, '1000:1000');
      assert.equal(Config.WorkingDir, '/tmp');
      assert.equal(Config.Labels['runtime.managed'], 'true');
      assert.equal(HostConfig.ReadonlyRootfs, true);
      assert.deepEqual(HostConfig.CapDrop, ['ALL']);
      assert.deepEqual(HostConfig.SecurityOpt, ['no-new-privileges:true']);
      assert.deepEqual(HostConfig.ExtraHosts, ['host.docker.internal:host-gateway']);
      assert.deepEqual(HostConfig.RestartPolicy, { Name: 'no', MaximumRetryCount: 0 });
      assert.equal(HostConfig.AutoRemove, false);
      assert.equal(HostConfig.Memory, 256 * 1024 * 1024);
      assert.equal(HostConfig.CpuShares, 512);
      assert.equal(HostConfig.PidsLimit, 256);
      assert.equal(HostConfig.Tmpfs?.['/bot'], 'rw,exec,nosuid,nodev,uid=1000,gid=1000');
      assert.equal(HostConfig.Tmpfs['/tmp'], 'rw,nosuid,nodev,uid=1000,gid=1000,mode=1777');
      assert.equal(HostConfig.Tmpfs['/state'], undefined);
      assert.deepEqual(
        HostConfig.Mounts?.map(({ Target, ReadOnly }) => [Target, ReadOnly ?? false]),
        [
          ['/the0/code', true],
          ['/state', false],
          ['/var/the0/logs', false],
        ],
      );
    });

    it('has state and logs in memory when there is no file system store', async (t) => {
      const { run } = await watched(t, { directories: null });
      const { byHand } = await run(bots.idle);
      const { HostConfig, Config } = await byHand.inspect();
      assert.equal(HostConfig.Tmpfs?.['/state'], 'rw,nosuid,nodev,uid=1000,gid=1000');
      assert.equal(HostConfig.Mounts, undefined);
      assert.deepEqual(
        Config.Env.filter((variable) => /^THE0_(CODE_SOURCE|TERMINATION_LOG)/.test(variable)),
        [],
      );
    });

    it('has limits of processors, processes, memory and of what Docker keeps of its output', async (t) => {
      const limits = { ...harness.limits, milliCpus: 250, pidsLimit: 99, memoryMiB: 128, dockerLogBytes: 65_536 };
      const { run } = await watched(t, { limits });
      const { byHand } = await run(bots.idle);
      const { HostConfig } = await byHand.inspect();
      const { NanoCpus, PidsLimit, Memory, LogConfig } = HostConfig;
      assert.deepEqual([NanoCpus, PidsLimit, Memory], [250_000_000, 99, 128 * 1024 * 1024]);
      assert.deepEqual(LogConfig, { Type: 'json-file', Config: { 'max-size': '65536', 'max-file': '2' } });
      const unlimited = await (await watched(t, { limits: { ...harness.limits, dockerLogBytes: null } })).run(
        bots.idle,
      );
      const ofDaemon = (await unlimited.byHand.inspect()).HostConfig;
      assert.equal(ofDaemon.NanoCpus, 0);
      assert.deepEqual(ofDaemon.LogConfig?.Config, {}, 'what the daemon has for all');
    });

    it('has another program in place of /app/runtime when one is given, and cannot change it', async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'the0-dev-runtime-'));
      t.after(() => rm(folder, { recursive: true }));
      const devRuntimePath = join(folder, 'runtime');
      await writeFile(devRuntimePath, '#!/bin/sh\n', { mode: 0o755 });
      const { run } = await watched(t, { devRuntimePath });
      const { HostConfig, Mounts } = await (await run(bots.idle)).byHand.inspect();
      assert.deepEqual(HostConfig.Binds, [`${devRuntimePath}:/app/runtime:ro`]);
      const mounted = Mounts.find(({ Destination }) => Destination === '/app/runtime');
      assert.deepEqual([mounted?.Source, mounted?.RW], [devRuntimePath, false]);
    });

    it('is on a bridge without traffic between containers', async (t) => {
      const { run } = await watched(t);
      const { byHand } = await run(bots.idle);
      const { NetworkSettings } = await byHand.inspect();
      assert.deepEqual(Object.keys(NetworkSettings.Networks), ['the0-bots']);
      const network = await docker.getNetwork('the0-bots').inspect();
      assert.equal(network.Options?.['com.docker.network.bridge.enable_icc'], 'false');
    });

    it('is on the network that is configured', async (t) => {
      const { run } = await watched(t, { network: 'bridge' });
      const { byHand, container } = await run(bots.answersQueries);
      const { NetworkSettings } = await byHand.inspect();
      assert.deepEqual(Object.keys(NetworkSettings.Networks), ['bridge']);
      assert.equal(container.endpoint?.host, NetworkSettings.Networks['bridge']?.IPAddress);
      assert.equal(container.endpoint?.port, 9476);
    });
  });

  it('makes a container anew, and does not start it in place, when what it is told has changed since', async (t) => {
    const before = await watched(t, { natsUrl: 'nats://me:old@n' });
    const { definition, container } = await before.run(bots.exits(3));
    await before.seen.exitOf(definition.id, container.incarnation);
    await before.engine.close();
    const { start } = await watched(t, { natsUrl: 'nats://me:new@n' });
    const { container: fresh } = await start(definition, container.containerId);
    assert.notEqual(fresh?.containerId, container.containerId);
    const { Config } = await docker.getContainer(fresh?.containerId ?? '').inspect();
    assert.ok(Config.Env.includes('NATS_URL=nats://me:new@n'));
  });

  describe('a start that cannot be done', () => {
    it('names the image that is missing and the command that builds it', async (t) => {
      const { start } = await watched(t, { image: 'the0-no-such-image:latest' });
      const definition = await harness.makeBot(bots.idle);
      await assert.rejects(start(definition), failsWith('image-missing', /the0-no-such-image:latest.*npm run image/));
    });

    it('leaves nothing behind when the network is missing', async (t) => {
      const { engine, start } = await watched(t, { network: 'the0-no-such-network' });
      const definition = await harness.makeBot(bots.idle);
      await assert.rejects(start(definition), failsWith('rejected', /the0-no-such-network/));
      assert.equal((await engine.inspect(definition.id)).container, null);
    });

    it('leaves a container of somebody else alone, and says whose it is', async (t) => {
      const { engine, start } = await watched(t);
      const definition = await harness.makeBot(bots.idle);
      const Labels = { 'the0.instance': `${harness.instance}-foreign` };
      const name = containerName(definition.id);
      const foreign = await docker.createContainer({ name, Image: await imageOf(harness), Labels });
      t.after(() => foreign.remove({ force: true }));
      await assert.rejects(start(definition), failsWith('name-taken', new RegExp(`-foreign has the name ${name}`)));
      assert.equal((await engine.inspect(definition.id)).container, null);
      assert.equal((await foreign.inspect()).Id, foreign.id);
    });

    it('says that Docker cannot be reached', async (t) => {
      const engine = harness.makeEngine({ socketPath: '/nonexistent/docker.sock' });
      t.after(() => engine.close());
      const definition = await harness.makeBot(bots.idle);
      const unreachable = failsWith('unreachable', /Docker cannot be reached.*DOCKER_HOST/);
      await assert.rejects(engine.watch(recordingListener()), unreachable);
      await assert.rejects(engine.start({ definition, incarnation: 1, inPlace: null }), unreachable);
    });
  });

  it('takes the place of a container that was created and never started', async (t) => {
    const { engine, start } = await watched(t);
    const definition = await harness.makeBot(bots.idle);
    await start(definition);
    const { container: old } = await engine.inspect(definition.id);
    assert.ok(old);
    const { Config } = await docker.getContainer(old.containerId).inspect();
    await engine.remove({ botId: definition.id, containerId: old.containerId });
    const name = containerName(definition.id);
    const created = await docker.createContainer({ name, Image: Config.Image, Labels: Config.Labels });
    const { container } = await start(definition);
    assert.equal(container?.phase, 'running');
    assert.notEqual(container.containerId, created.id);
  });

  it('makes a new container when the old one cannot be started again', async (t) => {
    const { seen, start, run } = await watched(t);
    const { definition, container } = await run(bots.exits(1));
    await seen.exitOf(definition.id, container.incarnation);
    await rm(harness.stateDirectory(definition.id), { recursive: true });
    const again = await start(definition, container.containerId);
    assert.ok(again.container !== null && again.container.incarnation > container.incarnation);
    assert.notEqual(again.container.containerId, container.containerId);
  });

  describe('what is done by hand', () => {
    it('is seen: a stop', async (t) => {
      const { seen, runReady } = await watched(t);
      const { botId, container, byHand } = await runReady(bots.savesOnSigterm);
      await byHand.stop({ t: 10 });
      const { lastExit } = await seen.exitOf(botId, container.incarnation);
      assert.equal(lastExit.lastWords?.code, 'stopped');
    });

    it('is seen: a kill', async (t) => {
      const { seen, run } = await watched(t);
      const { botId, container, byHand } = await run(bots.idle);
      await byHand.kill();
      const { lastExit } = await seen.exitOf(botId, container.incarnation);
      assert.equal(lastExit.signal, 'SIGKILL');
      assert.equal(lastExit.code, null);
      assert.equal(lastExit.lastWords, null);
      assert.equal(lastExit.outOfMemory, false);
    });

    it('is seen: a removal, and not the kill it begins with', async (t) => {
      const { seen, run } = await watched(t);
      const { botId, byHand } = await run(bots.idle);
      await byHand.remove({ force: true });
      await seen.waitFor(botId, ({ container }) => container === null);
      assert.ok(seen.observations.every((one) => one.botId !== botId || one.lastExit === null));
    });

    it('is seen: a pause and its end, and by who comes later', async (t) => {
      const { engine, seen, runReady } = await watched(t);
      const { botId, container, byHand } = await runReady(bots.answersQueries);
      await byHand.pause();
      const paused = await seen.waitFor(botId, (one) => one.container?.paused === true);
      assert.equal(paused.container?.phase, 'running');
      const { seen: later } = await watched(t);
      assert.equal(later.of(botId).at(-1)?.container?.paused, true);
      const from = seen.observations.length;
      await byHand.unpause();
      const again = await seen.waitFor(botId, (one) => one.container?.paused === false, from);
      assert.equal(again.container?.incarnation, container.incarnation);
      assert.equal((await engine.inspect(botId)).container?.paused, false);
    });

    it('does not keep a paused container from being stopped', async (t) => {
      const { engine, runReady } = await watched(t);
      const { botId, container, byHand } = await runReady(bots.savesOnSigterm);
      await byHand.pause();
      const { container: stopped } = await engine.stop({ botId, containerId: container.containerId });
      assert.deepEqual([stopped?.phase, stopped?.paused], ['exited', false]);
    });

    it('is seen: a start, with the address of the new run', async (t) => {
      const { seen, runReady } = await watched(t);
      const { botId, container, byHand } = await runReady(bots.answersQueries);
      await byHand.stop({ t: 10 });
      await seen.exitOf(botId, container.incarnation);
      const from = seen.observations.length;
      await byHand.start();
      const again = await seen.waitFor(botId, (one) => one.container?.phase === 'running', from);
      assert.equal(again.container?.containerId, container.containerId);
      assert.ok(again.container.endpoint);
    });
  });

  it('says that a bot ran out of memory', async (t) => {
    const { seen, run } = await watched(t);
    const { botId, container } = await run(bots.eatsMemory);
    const { lastExit } = await seen.exitOf(botId, container.incarnation);
    assert.equal(lastExit.outOfMemory, true);
  });

  // Without the bot's log directory the words come out of Docker's log, which holds all runs of a container.
  for (const [where, overrides] of [
    ['the log directory', {}],
    ["Docker's log", { directories: null }],
  ] as const) {
    it(`keeps the last words of one run apart from the next in ${where}`, async (t) => {
      const { seen, start, run } = await watched(t, overrides);
      const { definition, botId, container } = await run({ files: {} });
      const first = await seen.exitOf(botId, container.incarnation);
      assert.equal(first.lastExit.lastWords?.code, 'entrypoint-missing');
      const again = await start(definition, container.containerId);
      assert.ok(again.container);
      await docker
        .getContainer(container.containerId)
        .kill()
        .catch(() => undefined);
      const second = await seen.exitOf(botId, again.container.incarnation);
      if (second.lastExit.signal === 'SIGKILL') assert.equal(second.lastExit.lastWords, null);
    });
  }

  it('reads the last words of every run of a container', async (t) => {
    const { seen, start, run } = await watched(t);
    const { definition, botId, container } = await run({ files: {} });
    await seen.exitOf(botId, container.incarnation);
    for (let again = 0; again < 2; again++) {
      const observation = await start(definition, container.containerId);
      assert.equal(observation.container?.containerId, container.containerId);
      const { lastExit } = await seen.exitOf(botId, observation.container.incarnation);
      assert.equal(lastExit.lastWords?.code, 'entrypoint-missing');
    }
  });

  describe('when the connection is lost', () => {
    it('says so, once for each cause, comes back, and tells what changed meanwhile', async (t) => {
      const proxy = await dockerProxy(t);
      const { seen, run, runReady } = await watched(t, { socketPath: proxy.socketPath });
      const stays = await run(bots.idle);
      const stops = await runReady(bots.savesOnSigterm);
      const goes = await run(bots.idle);
      proxy.cut();
      await stops.byHand.stop({ t: 10 });
      await goes.byHand.remove({ force: true });
      proxy.restore();

      const { lastExit } = await seen.exitOf(stops.botId, stops.container.incarnation);
      assert.equal(lastExit.lastWords?.code, 'stopped');
      await seen.waitFor(goes.botId, ({ container }) => container === null);
      await until('the second listing', () => seen.listings.length === 2);
      const causes = seen.losses.map(({ message }) => message);
      assert.ok(
        causes.every((cause, index) => cause !== causes[index - 1]),
        causes.join('\n'),
      );
      assert.equal(seen.losses[0]?.failure.code, 'unreachable');
      assert.equal(seen.listings[1]?.has(stays.botId), true);
      assert.equal(seen.listings[1]?.has(goes.botId), false);
      assert.equal(seen.of(stays.botId).at(-1)?.container?.phase, 'running');
    });

    it('answers a call with "unreachable" and calls listed when calls can be made again', async (t) => {
      const proxy = await dockerProxy(t);
      const { seen, start } = await watched(t, { socketPath: proxy.socketPath });
      const definition = await harness.makeBot(bots.idle);
      proxy.cut();
      await assert.rejects(start(definition), failsWith('unreachable', /Starting bot .*Docker cannot be reached/));
      proxy.restore();
      await until('the second listing', () => seen.listings.length === 2);
      assert.equal((await start(definition)).container?.phase, 'running');
    });

    it('answers in time when Docker hangs', async (t) => {
      const proxy = await dockerProxy(t);
      const deadlines = { callMs: 200, startMs: 200, listMs: 200, pullMs: 200 };
      // Not watching: a busy Docker may take longer than that for the first list.
      const engine = harness.makeEngine({ socketPath: proxy.socketPath, deadlines });
      t.after(() => engine.close());
      proxy.hang();
      await assert.rejects(engine.inspect('any'), failsWith('unreachable', /no answer to "inspect" within 200 ms/));
    });
  });

  it('finds by comparing what no event told', async (t) => {
    const proxy = await dockerProxy(t);
    const { seen, runReady } = await watched(t, { socketPath: proxy.socketPath, resyncMs: 200 });
    const { botId, container, byHand } = await runReady(bots.savesOnSigterm);
    proxy.swallowEvents();
    await byHand.stop({ t: 10 });
    const { lastExit } = await seen.exitOf(botId, container.incarnation);
    assert.equal(lastExit.lastWords?.code, 'stopped');
    assert.deepEqual(seen.losses, []);
  });

  it('reports nothing while nothing changes', async (t) => {
    const proxy = await dockerProxy(t);
    const { seen, run } = await watched(t, { socketPath: proxy.socketPath, resyncMs: 20 });
    const { botId } = await run(bots.answersQueries);
    const lists = proxy.lists();
    const before = seen.of(botId).length;
    await until('three comparisons', () => proxy.lists() >= lists + 3);
    assert.equal(seen.of(botId).length, before);
  });
});

async function imageOf(harness: DockerHarness): Promise<string> {
  const [any] = await docker.listContainers({ all: true, filters: { label: [`the0.instance=${harness.instance}`] } });
  assert.ok(any);
  return any.Image;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`waited in vain for ${what}`);
}
