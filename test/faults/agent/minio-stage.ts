import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_BUCKETS } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { startMinio } from '../../services/minio.ts';
import { type AgentProgram, daemon, execute, syncingAgent } from './agent-program.ts';
import type { Stage } from './point.ts';

export interface OpenStage extends Stage {
  close(): Promise<void>;
}

/** Which program it is that things happen to. */
export const AGENTS = { parts: syncingAgent, execute, daemon } as const satisfies Record<
  string,
  (directory: string) => Promise<AgentProgram>
>;
export type Agent = keyof typeof AGENTS;

export function isAgent(name: string): name is Agent {
  return Object.hasOwn(AGENTS, name);
}

/** A MinIO of its own, with the buckets. */
export async function openMinioStage(agent: Agent, longestOutageMs: number): Promise<OpenStage> {
  const directory = mkdtempSync(join(tmpdir(), 'the0-faults-'));
  const program = await AGENTS[agent](directory);
  const { access, stop } = await startMinio();
  const store = openS3Store(access);
  for (const bucket of [DEFAULT_BUCKETS.state, DEFAULT_BUCKETS.logs]) await store.createBucket(bucket);
  return {
    program,
    access,
    store,
    longestOutageMs,
    close: async () => {
      store.close();
      await stop();
      rmSync(directory, { recursive: true });
    },
  };
}
