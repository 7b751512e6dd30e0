import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_BUCKETS } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { startMinio } from '../../services/minio.ts';
import { bundleSyncingAgent } from './agent-run.ts';
import type { Stage } from './point.ts';

export interface OpenStage extends Stage {
  close(): Promise<void>;
}

/** A MinIO of its own, with the buckets. */
export async function openMinioStage(longestOutageMs: number): Promise<OpenStage> {
  const directory = mkdtempSync(join(tmpdir(), 'the0-faults-'));
  const program = await bundleSyncingAgent(directory);
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
