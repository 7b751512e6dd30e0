import type { TestContext } from 'node:test';
import { type BotCredentialOptions, MinioBotCredentials } from '../../../src/storage/minio/bot-credentials.ts';
import { DEFAULT_BUCKETS } from '../../../src/storage/object-store.ts';
import { DEFAULT_S3_LIMITS } from '../../../src/storage/s3-api/s3-limits.ts';

/** What makes keys of one MinIO for bots, until the test ends. */
export async function startedCredentials(
  t: TestContext,
  options: Pick<BotCredentialOptions, 'access' | 'store'> & Partial<BotCredentialOptions>,
): Promise<MinioBotCredentials> {
  const made = new MinioBotCredentials({
    buckets: DEFAULT_BUCKETS,
    mode: 'auto',
    atOnce: 8,
    deadlineMs: 60_000,
    sessionSeconds: 3_600,
    limits: DEFAULT_S3_LIMITS,
    ...options,
  });
  t.after(() => made.close());
  await made.start();
  return made;
}
