import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_AGENT_LIMITS } from '../../../src/agent/agent-limits.ts';
import type { ContainerEngine } from '../../../src/engine/container-engine.ts';
import { createDockerEngine, type DockerEngineOptions } from '../../../src/engine/docker/docker-engine.ts';
import { dataPaths } from '../../../src/storage/data-directory.ts';
import { removeContainersOf } from '../../services/docker.ts';
import { testImage } from '../../services/test-image.ts';
import type { BotSketch } from './bots.ts';
import { sketchedBot } from './sketched-bot.ts';
import type { EngineHarness } from './suite.ts';

export interface DockerHarness extends EngineHarness {
  readonly instance: string;
  readonly limits: DockerEngineOptions['limits'];
  makeEngine(overrides?: Partial<DockerEngineOptions> & { stopGraceMs?: number }): ContainerEngine;
}

export async function dockerHarness(): Promise<DockerHarness> {
  const image = await testImage();
  const root = await mkdtemp(join(tmpdir(), 'the0-docker-'));
  const paths = dataPaths(root);
  const instance: string = randomUUID();
  const instances = new Set<string>([instance]);
  const limits = {
    memoryMiB: 256,
    cpuShares: 512,
    pidsLimit: 256,
    agentGraceMs: 5_000,
    timeZone: 'UTC',
    dockerLogBytes: 1_000_000,
    agent: { ...DEFAULT_AGENT_LIMITS, codeFiles: 1_000, codeBytes: 10_000_000 },
  };
  return {
    instance,
    limits,
    makeEngine({ stopGraceMs = 30_000, ...overrides } = {}) {
      if (overrides.instance !== undefined) instances.add(overrides.instance);
      return createDockerEngine({
        image,
        pull: 'never',
        instance,
        kinds: ['realtime', 'scheduled'],
        governs: true,
        network: null,
        limits: { ...limits, agent: { ...limits.agent, stopGraceMs } },
        directories: {
          codeDirOf: paths.code,
          stateDirOf: paths.state,
          logsDirOf: paths.logs,
          queryRuns: paths.queryRuns,
        },
        objectStore: null,
        natsUrl: null,
        resyncMs: 60_000,
        deadlines: { callMs: 60_000, startMs: 60_000, listMs: 60_000, pullMs: 60_000 },
        sockets: { calls: 32, stops: 1_024 },
        reconnect: { firstMs: 250, capMs: 5_000 },
        lastWordsMs: 2_000,
        imageCheckMs: 1_000,
        now: Date.now,
        ...overrides,
      });
    },
    async makeBot(sketch: BotSketch) {
      const definition = await sketchedBot(sketch, paths.code);
      await chmod(paths.code(definition.id, definition.specRevision), 0o755);
      return definition;
    },
    stateDirectory: paths.state,
    async cleanup() {
      for (const one of instances) await removeContainersOf(one);
      await rm(root, { recursive: true, force: true });
    },
  };
}
