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

  it('is of another shape when a limit is another', () => {
    const { limits } = template;
    for (const changed of [{ memoryMiB: 256 }, { agent: { ...limits.agent, drainMs: 1 } }]) {
      const other = { ...template, limits: { ...limits, ...changed } };
      assert.notEqual(shapeRevision(other, null), shapeRevision(template, null));
    }
  });
});
