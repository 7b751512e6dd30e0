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
  specRevision: 'abc',
  problem: null,
};
const template: ContainerTemplate = {
  image: 'the0-runtime:local',
  instance: 'i',
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
  },
  objectStore: null,
  natsUrl: null,
};
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

  it('has code from the store or from a directory, and credentials only for the store', () => {
    const objectStore = {
      endpoint: 'minio:9000',
      accessKey: 'a',
      secretKey: 's',
      useSsl: false,
      queryResultsBucket: 'q',
    };
    const withStore = { ...template, objectStore };
    const local = containerOptions(withStore, definition, own);
    const stored = containerOptions(withStore, { ...definition, filePath: 'local/grid/1' }, own);
    const has = ({ Env = [] }: typeof local, name: string) => Env.some((variable) => variable.startsWith(`${name}=`));
    const mounts = ({ HostConfig }: typeof local) => HostConfig?.Mounts?.map(({ Target }) => Target);
    assert.deepEqual([has(local, 'THE0_CODE_SOURCE'), has(local, 'MINIO_SECRET_KEY')], [true, false]);
    assert.deepEqual([has(stored, 'THE0_CODE_SOURCE'), has(stored, 'MINIO_SECRET_KEY')], [false, true]);
    assert.deepEqual(mounts(local), ['/the0/code', '/state', '/var/the0/logs']);
    assert.deepEqual(mounts(stored), ['/state', '/var/the0/logs']);
  });

  it('is of another shape when a limit is another', () => {
    const { limits } = template;
    for (const changed of [{ memoryMiB: 256 }, { agent: { ...limits.agent, drainMs: 1 } }]) {
      const other = { ...template, limits: { ...limits, ...changed } };
      assert.notEqual(shapeRevision(other, null), shapeRevision(template, null));
    }
  });
});
