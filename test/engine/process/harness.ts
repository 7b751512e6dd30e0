import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import type { Observation } from '../../../actors/observation.ts';
import { DEFAULT_AGENT_LIMITS } from '../../../src/agent/agent-limits.ts';
import type { BotDefinition, Json } from '../../../src/desired/bot-definition.ts';
import type { ContainerEngine, EngineListener } from '../../../src/engine/container-engine.ts';
import { createProcessEngine } from '../../../src/engine/process/process-engine.ts';
import type { ProcessEngineOptions } from '../../../src/engine/process/process-engine-options.ts';
import { aBot } from '../../desired/a-bot.ts';

const reportSchema = v.object({
  pid: v.number(),
  children: v.array(v.number()),
  env: v.record(v.string(), v.string()),
  cwd: v.string(),
});

export interface Bench {
  readonly root: string;
  readonly options: ProcessEngineOptions;
  readonly engine: ContainerEngine;
  readonly observations: Observation[];
  readonly warnings: Error[];
  readonly listener: EngineListener;
  define(
    id: string,
    config: { readonly [key: string]: Json },
    changes?: Partial<BotDefinition>,
  ): Promise<BotDefinition>;
  /** What the stand-in agent reports; waits for it. */
  report(botId: string): Promise<v.InferOutput<typeof reportSchema>>;
}

/** An engine on a data directory of its own, with stand-in agents; everything ends with the test. */
export async function bench(t: TestContext, changes: Partial<ProcessEngineOptions> = {}): Promise<Bench> {
  const root = await mkdtemp(join(tmpdir(), 'process-engine-'));
  const observations: Observation[] = [];
  const warnings: Error[] = [];
  const listener: EngineListener = {
    observed: (observation) => observations.push(observation),
    listed: () => undefined,
    lost: (error) => warnings.push(error),
  };
  const options: ProcessEngineOptions = {
    agentFile: join(import.meta.dirname, 'fixtures/stand-in-agent.mjs'),
    refillCache: async () => {},
    nodeBinary: process.execPath,
    nodeArguments: [],
    wrappersPath: join(root, 'wrappers'),
    sdkPath: join(root, 'sdk'),
    codeDirOf: (botId, revision) => join(root, 'code', botId, revision),
    stateDirOf: (botId) => join(root, 'state', botId),
    logsDirOf: (botId) => join(root, 'logs', botId),
    queryRuns: join(root, 'query-runs'),
    runDirectory: join(root, 'run'),
    hostEnvironment: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: root },
    timeZone: 'UTC',
    agentLimits: { ...DEFAULT_AGENT_LIMITS, stopGraceMs: 300 },
    agentGraceMs: 200,
    leftoverGraceMs: 300,
    killWaitMs: 30_000,
    missingProgramMs: 10,
    // Not where a runtime of another test takes its ports.
    queryPortRange: { first: 16_000, last: 16_999 },
    objectStore: null,
    natsUrl: null,
    warn: (error) => warnings.push(error),
    ...changes,
  };
  const engine = createProcessEngine(options);
  t.after(async () => {
    await engine.close();
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  });
  await engine.watch(listener);
  return {
    root,
    options,
    engine,
    observations,
    warnings,
    listener,
    async define(id, config, definitionChanges = {}) {
      const definition = aBot(id, { config, ...definitionChanges });
      await mkdir(options.codeDirOf(id, definition.specRevision), { recursive: true });
      return definition;
    },
    async report(botId) {
      const path = join(options.stateDirOf(botId), 'report.json');
      await until(() => existsSync(path));
      return v.parse(reportSchema, JSON.parse(await readFile(path, 'utf8')));
    },
  };
}

/** Polls until it holds. @throws when it does not within the deadline */
export async function until(holds: () => boolean, deadlineMs = 60_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${holds.toString()}`);
    await sleep(10);
  }
}

/** Whether a process runs; a zombie does not. */
export async function runs(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(join('/proc', String(pid), 'stat'), 'latin1');
    return !['Z', 'X'].includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

export const nodeDirectory = dirname(process.execPath);
