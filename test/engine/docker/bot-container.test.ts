import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_AGENT_LIMITS } from '../../../src/agent/agent-limits.ts';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import {
  type ContainerTemplate,
  containerGraceSeconds,
  containerOptions,
  shapeRevision,
} from '../../../src/engine/docker/bot-container.ts';
import { queryContainerOptions } from '../../../src/engine/docker/query-container.ts';

const definition: BotDefinition = {
  id: 'grid',
  kind: 'realtime',
  enabled: true,
  config: {},
  version: '1.0.0',
  filePath: '',
  name: 'grid',
  runtime: 'python3.11',
  entrypoint: 'main.py',
  queryEntrypoint: null,
  schedule: null,
  specRevision: 'abc',
  problem: null,
};
const template: ContainerTemplate = {
  image: 'the0-runtime:local',
  instance: 'i',
  kinds: ['realtime'],
  limits: {
    memoryMiB: 512,
    cpuShares: 512,
    pidsLimit: 1024,
    agentGraceMs: 7_000,
    timeZone: 'UTC',
    dockerLogBytes: 1_000_000,
    agent: { ...DEFAULT_AGENT_LIMITS, codeFiles: 300, codeBytes: 4000 },
  },
  directories: {
    codeDirOf: (botId, revision) => `/data/code/${botId}/${revision}`,
    stateDirOf: (botId) => `/data/state/${botId}`,
    logsDirOf: (botId) => `/data/logs/${botId}`,
    queryRuns: '/data/query-runs',
  },
  objectStore: null,
  natsUrl: null,
};
const objectStore = {
  endpoint: 'minio:9000',
  accessKey: 'a',
  secretKey: 's',
  useSsl: false,
  queryResultsBucket: 'q',
};
const withStore: ContainerTemplate = { ...template, objectStore };
const stored: BotDefinition = { ...definition, filePath: 'local/grid/1' };
const own = { incarnation: 1, shapeRevision: 's', networkMode: 'n' };

describe("a bot's container", () => {
  it('gets the grace of the bot and that of its agent before Docker kills it', () => {
    assert.equal(containerGraceSeconds(template.limits), 32);
    assert.equal(containerOptions(template, definition, own).StopTimeout, 32);
  });

  it('copies as much code as was let in', () => {
    const { Env = [] } = containerOptions(template, definition, own);
    assert.ok(Env.includes('THE0_AGENT_LIMITS={"v":1,"codeFiles":300,"codeBytes":4000}'));
  });

  it('has its files from directories, or everything from the store, and credentials only for the store', () => {
    const local = containerOptions(withStore, definition, own);
    const fromStore = containerOptions(withStore, stored, own);
    const ours = ['THE0_CODE_SOURCE', 'THE0_TERMINATION_LOG', 'MINIO_SECRET_KEY'];
    const has = ({ Env = [] }: typeof local) =>
      ours.filter((name) => Env.some((variable) => variable.startsWith(`${name}=`)));
    const mounts = ({ HostConfig }: typeof local) => HostConfig?.Mounts?.map(({ Target }) => Target);
    const inMemory = ({ HostConfig }: typeof local) => Object.keys(HostConfig?.Tmpfs ?? {});
    assert.deepEqual(has(local), ['THE0_CODE_SOURCE', 'THE0_TERMINATION_LOG']);
    assert.deepEqual(mounts(local), ['/the0/code', '/state', '/var/the0/logs']);
    assert.deepEqual(inMemory(local), ['/bot', '/query', '/var/the0', '/tmp']);
    assert.deepEqual(has(fromStore), ['MINIO_SECRET_KEY']);
    assert.equal(mounts(fromStore), undefined);
    assert.deepEqual(inMemory(fromStore), ['/bot', '/state', '/query', '/var/the0', '/tmp']);
  });

  it('tells the agent that the store honours no conditions, once that is known', () => {
    let honours = true;
    const told = () => {
      const { Env = [] } = containerOptions({ ...withStore, storeHonoursConditions: () => honours }, stored, own);
      return Env.includes('THE0_STORE_FENCING=0');
    };
    assert.equal(told(), false);
    honours = false;
    assert.equal(told(), true);
  });

  it('is of another shape when a limit is another', () => {
    const { limits } = template;
    for (const changed of [{ memoryMiB: 256 }, { agent: { ...limits.agent, drainMs: 1 } }]) {
      const other = { ...template, limits: { ...limits, ...changed } };
      assert.notEqual(shapeRevision(other, null, definition), shapeRevision(template, null, definition));
    }
  });

  it('is of another shape when it should have keys of its own, and keeps its shape without a limit of processors', () => {
    const credentials = { keysFor: async () => null };
    const shape = (changes: object) => shapeRevision({ ...withStore, ...changes }, null, stored);
    assert.notEqual(shape({ credentials }), shape({}));
    assert.equal(shape({ limits: { ...template.limits, milliCpus: null } }), shape({}));
    assert.notEqual(shape({ limits: { ...template.limits, milliCpus: 500 } }), shape({}));
  });

  it('has the program for /app/runtime that is given, in queries too, and is of another shape with another', () => {
    const dev = { ...withStore, devRuntimePath: '/home/dev/runtime' };
    const question = { path: '/', params: '{}', resultKey: 'r', deadlineMs: 1, resultBytes: 1 };
    const run = { runId: 'r', startedAt: 1, networkMode: 'n' };
    for (const one of [definition, stored]) {
      const asked = { ...one, queryEntrypoint: 'query.py' };
      const containers = (template: ContainerTemplate) => [
        containerOptions(template, one, own),
        queryContainerOptions(template, { definition: asked, ...question }, run),
      ];
      const binds = (template: ContainerTemplate) => containers(template).map(({ HostConfig }) => HostConfig?.Binds);
      assert.deepEqual(binds(dev), Array(2).fill(['/home/dev/runtime:/app/runtime:ro']));
      assert.deepEqual(binds({ ...withStore, devRuntimePath: null }), [undefined, undefined]);
    }
    const shape = (changes: object) => shapeRevision({ ...withStore, ...changes }, null, stored);
    assert.equal(shape({ devRuntimePath: null }), shape({}));
    assert.notEqual(shape(dev), shape({}));
    assert.notEqual(shape(dev), shape({ devRuntimePath: '/home/dev/other' }));
  });

  it('is of another shape when what it is told of the store or of NATS is another, credentials too', () => {
    const shape = (changes: object) => shapeRevision({ ...withStore, ...changes }, null, stored);
    for (const changed of [{ endpoint: 'other:9000' }, { stateBucket: 'other' }, { stateMiB: 5 }, { secretKey: 't' }]) {
      assert.notEqual(shape({ objectStore: { ...objectStore, ...changed } }), shape({}));
    }
    assert.notEqual(shape({ natsUrl: 'nats://me:a@n' }), shape({}));
    assert.notEqual(shape({ natsUrl: 'nats://me:a@n' }), shape({ natsUrl: 'nats://me:b@n' }));
  });

  it('keeps its shape when only bots of the other kind change theirs', () => {
    assert.equal(shapeRevision(withStore, null, definition), shapeRevision(template, null, definition));
    assert.notEqual(shapeRevision(withStore, null, stored), shapeRevision(withStore, null, definition));
  });
});
