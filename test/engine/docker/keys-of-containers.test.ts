import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import type { BotCredentials, BotKeys, BotKeysToBe } from '../../../src/engine/bot-credentials.ts';
import { EngineError } from '../../../src/engine/container-engine.ts';
import type { DockerEngineOptions } from '../../../src/engine/docker/docker-engine.ts';
import * as bots from '../../conformance/engine/bots.ts';
import { type DockerHarness, dockerHarness } from '../../conformance/engine/docker-harness.ts';
import { recordingListener } from '../../conformance/engine/recording-listener.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import { docker, needsDocker } from '../../services/docker.ts';
import { freePort } from '../../services/free-port.ts';

const PATIENCE_MS = 30_000;
const SERVICE = { accessKey: 'service', secretKey: 'service-secret' };

describe('keys of containers', await needsDocker(), () => {
  let harness: DockerHarness;
  let incarnation = Date.now();

  before(async () => {
    harness = await dockerHarness();
  });
  after(async () => {
    await harness?.cleanup();
  });

  /** Hands out numbered keys. Nothing answers where the store should be: agents end with that, which takes them a while. */
  async function watched(
    t: TestContext,
    keys: (number: number) => BotKeysToBe | null,
    more: Partial<DockerEngineOptions> = {},
  ) {
    const asked: string[] = [];
    const credentials: BotCredentials = {
      async keysFor({ id }, purpose) {
        asked.push(`${purpose} ${id}`);
        return keys(asked.length);
      },
    };
    const engine = harness.makeEngine({
      directories: null,
      objectStore: {
        endpoint: `host.docker.internal:${await freePort()}`,
        ...SERVICE,
        useSsl: false,
        queryResultsBucket: 'q',
      },
      credentials,
      ...more,
    });
    t.after(() => engine.close());
    const seen = recordingListener();
    await engine.watch(seen);
    const start = (definition: BotDefinition, inPlace: string | null = null) =>
      engine.start({ definition, incarnation: ++incarnation, inPlace });
    return { engine, seen, start, asked };
  }

  const numbered = (number: number): BotKeys => ({ accessKey: `key-${number}`, secretKey: `secret-${number}` });
  const stored = async (): Promise<BotDefinition> => ({ ...(await harness.makeBot(bots.idle)), filePath: 'u/n/1' });

  async function environmentOf(containerId: string | undefined) {
    const { Config } = await docker.getContainer(containerId ?? '').inspect();
    return {
      env: Config.Env.filter((variable) => /^MINIO_(ACCESS|SECRET|SESSION)/.test(variable)),
      labels: Config.Labels,
    };
  }

  it('are made for each container that is created, and kept by one that is started again or taken over', async (t) => {
    const { start, asked, seen, engine } = await watched(t, numbered);
    const definition = await stored();
    const { container } = await start(definition);
    assert.deepEqual((await environmentOf(container?.containerId)).env, [
      'MINIO_ACCESS_KEY=key-1',
      'MINIO_SECRET_KEY=secret-1',
    ]);
    await seen.exitOf(definition.id, incarnation);
    const { container: again } = await start(definition, container?.containerId);
    assert.equal(again?.containerId, container?.containerId);
    // The reply to this start was lost: it runs, and its keys must stay good.
    const { container: found } = await start(definition);
    assert.equal(found?.containerId, container?.containerId);
    assert.deepEqual(asked, [`bot ${definition.id}`]);
    await engine.remove({ botId: definition.id, containerId: container?.containerId ?? '' });
    const { container: next } = await start(definition);
    assert.deepEqual((await environmentOf(next?.containerId)).env, [
      'MINIO_ACCESS_KEY=key-2',
      'MINIO_SECRET_KEY=secret-2',
    ]);
  });

  it('that end are on its label, and told of by the share of their time that is over', async (t) => {
    let now = Date.now();
    const until = now + 60_000;
    const keys = () => ({ ...numbered(1), sessionToken: 'token', until });
    const { start, engine } = await watched(t, keys, { now: () => now });
    const definition = await stored();
    const { container } = await start(definition);
    const { env, labels } = await environmentOf(container?.containerId);
    assert.ok(env.includes('MINIO_SESSION_TOKEN=token'));
    assert.equal(labels['the0.keys-until'], String(until));
    const madeAt = Number(labels['the0.incarnation']);
    now = madeAt + (until - madeAt) / 2;
    assert.deepEqual(engine.keysUsed?.(0.6), []);
    assert.deepEqual(engine.keysUsed?.(0.5), [definition.id]);
  });

  it('are those of the runtime when the store makes none, which its conditions say; a bot of a directory needs none', async (t) => {
    const { start, engine } = await watched(t, () => null, { directories: null });
    const definition = await stored();
    const { container } = await start(definition);
    const { env } = await environmentOf(container?.containerId);
    assert.deepEqual(env, ['MINIO_ACCESS_KEY=service', 'MINIO_SECRET_KEY=service-secret']);
    const conditions = await engine.conditions({ botId: definition.id, containerId: container?.containerId ?? '' });
    assert.deepEqual(
      conditions.map(({ code }) => code),
      ['shared-keys'],
    );
  });

  it('that cannot be made keep a container from being created, and do not put Docker in doubt', async (t) => {
    const { start, seen } = await watched(t, () => {
      throw new EngineError({ code: 'keys-unavailable', facts: { detail: 'x' } }, 'no keys');
    });
    const definition = await stored();
    await assert.rejects(start(definition), /no keys/);
    assert.deepEqual(seen.losses, []);
    assert.deepEqual(await statesOf(definition), []);
  });

  it('are made while the container is created, which is not started before they are usable', async (t) => {
    const made = Promise.withResolvers<void>();
    const { start } = await watched(t, (number) => ({ ...numbered(number), usable: made.promise }));
    const definition = await stored();
    const starting = start(definition);
    await poll('the container', async () => (await statesOf(definition)).length === 1 || undefined, PATIENCE_MS);
    await sleep(300);
    assert.deepEqual(await statesOf(definition), ['created']);
    made.resolve();
    assert.equal((await starting).container?.phase, 'running');
  });

  it('that turn out not to be made leave no container behind, and the next start gets others', async (t) => {
    const { start, seen, asked } = await watched(t, (number) => ({
      ...numbered(number),
      ...(number === 1 ? { usable: refused() } : {}),
    }));
    const definition = await stored();
    await assert.rejects(start(definition), /no keys/);
    assert.deepEqual(await statesOf(definition), []);
    assert.deepEqual(seen.losses, []);
    const { container } = await start(definition);
    assert.ok((await environmentOf(container?.containerId)).env.includes('MINIO_ACCESS_KEY=key-2'));
    assert.equal(asked.length, 2);
  });

  it('are made to an end also when the container cannot be created, for the next ones must be made after them', async (t) => {
    const made = Promise.withResolvers<void>();
    // Less than Docker lets a container have.
    const { limits } = harness;
    const { start } = await watched(t, (number) => ({ ...numbered(number), usable: made.promise }), {
      limits: { ...limits, memoryMiB: 1 },
    });
    let isOver = false;
    const starting = assert.rejects(start(await stored()), /memory/i).then(() => {
      isOver = true;
    });
    await sleep(500);
    assert.equal(isOver, false);
    made.resolve();
    await starting;
  });

  function refused(): Promise<void> {
    const usable = sleep(50).then(() => {
      throw new EngineError({ code: 'keys-unavailable', facts: { detail: 'x' } }, 'no keys');
    });
    // A container may take longer to create; nobody has to wait for it before.
    usable.catch(() => {});
    return usable;
  }

  async function statesOf({ id }: BotDefinition): Promise<string[]> {
    const found = await docker.listContainers({ all: true, filters: { label: [`runtime.id=${id}`] } });
    return found.map(({ State }) => State);
  }
});
