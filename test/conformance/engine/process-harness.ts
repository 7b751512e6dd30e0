import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleAgent } from '../../../images/bundle-agent.ts';
import { DEFAULT_AGENT_LIMITS } from '../../../src/agent/agent-limits.ts';
import type { ContainerEngine } from '../../../src/engine/container-engine.ts';
import { createProcessEngine } from '../../../src/engine/process/process-engine.ts';
import type { ProcessEngineOptions } from '../../../src/engine/process/process-engine-options.ts';
import { dataPaths } from '../../../src/storage/data-directory.ts';
import type { BotSketch } from './bots.ts';
import { sketchedBot } from './sketched-bot.ts';
import type { EngineHarness } from './suite.ts';

const IMAGES = join(import.meta.dirname, '../../../images');

export interface ProcessHarness extends EngineHarness {
  /** Where notes about live processes are. */
  readonly runDirectory: string;
  options(overrides?: Partial<ProcessEngineOptions>): ProcessEngineOptions;
}

/** The real agent, on a data directory of its own. */
export async function processHarness(): Promise<ProcessHarness> {
  const root = await mkdtemp(join(tmpdir(), 'the0-process-'));
  const paths = dataPaths(root);
  const agentFile = await bundleAgent(join(paths.cache, 'agent.js'));
  const engines = new Set<ContainerEngine>();
  const options = (overrides: Partial<ProcessEngineOptions> = {}): ProcessEngineOptions => ({
    agentFile,
    refillCache: () => bundleAgent(agentFile),
    nodeBinary: process.execPath,
    nodeArguments: [],
    wrappersPath: join(IMAGES, 'wrappers'),
    sdkPath: join(IMAGES, 'sdk'),
    codeDirOf: paths.code,
    stateDirOf: paths.state,
    logsDirOf: paths.logs,
    queryRuns: `${paths.run}-queries`,
    runDirectory: paths.run,
    hostEnvironment: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: root },
    timeZone: 'UTC',
    agentLimits: { ...DEFAULT_AGENT_LIMITS, stopGraceMs: 30_000 },
    agentGraceMs: 5_000,
    leftoverGraceMs: 1_000,
    killWaitMs: 30_000,
    missingProgramMs: 1_000,
    // Not where a runtime of another test takes its ports.
    queryPortRange: { first: 17_000, last: 17_999 },
    objectStore: null,
    natsUrl: null,
    warn: (error) => console.error(error),
    ...overrides,
  });
  return {
    runDirectory: paths.run,
    options,
    makeEngine({ instance, stopGraceMs = 30_000 } = {}) {
      // Another instance is another data directory; what counts of it here is whose processes it notes.
      const runDirectory = instance === undefined ? paths.run : join(root, 'instances', instance);
      const engine = createProcessEngine(
        options({
          agentLimits: { ...DEFAULT_AGENT_LIMITS, stopGraceMs },
          runDirectory,
          queryRuns: `${runDirectory}-queries`,
        }),
      );
      engines.add(engine);
      return engine;
    },
    makeBot: (sketch: BotSketch) => sketchedBot(sketch, paths.code),
    stateDirectory: paths.state,
    async cleanup() {
      for (const engine of engines) await engine.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
