import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_BUCKETS, type ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { type MinioServer, startMinio } from '../../test/services/minio.ts';

export interface LogScene {
  readonly minio: MinioServer;
  /** Straight to the store. */
  readonly store: ObjectStore;
  /** Empty. */
  readonly directory: string;
}

/** A MinIO with the buckets of logs and state, and a directory; gone when `use` is done. */
export async function withLogScene<Result>(use: (scene: LogScene) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'the0-bench-logs-'));
  let minio: MinioServer | null = null;
  let store: ObjectStore | null = null;
  try {
    await mkdir(directory, { recursive: true });
    minio = await startMinio();
    store = openS3Store(minio.access);
    for (const bucket of [DEFAULT_BUCKETS.logs, DEFAULT_BUCKETS.state]) await store.createBucket(bucket);
    return await use({ minio, store, directory });
  } finally {
    store?.close();
    await minio?.stop();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Key of a bot's log of today. */
export function keyOfLog(botId: string, day: string): string {
  return `logs/${botId}/${day}.log`;
}
