import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
    stopGraceMs: 25_000,
    agentGraceMs: 7_000,
    logBytesPerSecond: 1000,
    logFileBytes: 2000,
    codeFiles: 300,
    codeBytes: 4000,
    timeZone: 'UTC',
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
    assert.ok(Env.includes('THE0_CODE_FILES=300'));
    assert.ok(Env.includes('THE0_CODE_BYTES=4000'));
  });

  it('is of another shape when a limit is another', () => {
    const other = { ...template, limits: { ...template.limits, memoryMiB: 256 } };
    assert.notEqual(shapeRevision(other, null), shapeRevision(template, null));
  });
});
