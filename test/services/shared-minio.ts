import { after } from 'node:test';
import type { Buckets } from '../../src/storage/object-store.ts';
import { type MinioServer, startMinio } from './minio.ts';

let server: Promise<MinioServer> | null = null;
let scenes = 0;

after(async () => await (await server)?.stop());

/**
 * One server for all tests of a file, since to start one takes longer than most of them: each has buckets of its own there
 * ({@link ownBuckets}).
 */
export function sharedMinio(): Promise<MinioServer> {
  server ??= startMinio();
  return server;
}

/** The server is gone with its data; whoever asks for one next gets another. */
export async function endSharedMinio(): Promise<void> {
  const ended = server;
  server = null;
  await (await ended)?.stop();
}

/** Names that no other test of this file has; the buckets are not made. */
export function ownBuckets(): Buckets {
  scenes += 1;
  const named = (what: string) => `${what}-${scenes}`;
  return { code: named('code'), state: named('state'), logs: named('logs'), queryResults: named('results') };
}

/** As an agent is told them. */
export function bucketVariables({ code, state, logs, queryResults }: Buckets): Record<string, string> {
  return {
    MINIO_CODE_BUCKET: code,
    MINIO_STATE_BUCKET: state,
    MINIO_LOGS_BUCKET: logs,
    MINIO_QUERY_RESULTS_BUCKET: queryResults,
  };
}
