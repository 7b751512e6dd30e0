import type { Settings } from '../../config/settings.ts';
import { storeAccess } from '../../config/table/object-store.ts';
import { DEFAULT_MONGO_URI } from '../../config/table/services.ts';
import { connectMongo } from '../../desired/mongodb/connect.ts';
import { knownBotIds } from '../../desired/mongodb/known-bots.ts';
import { sweep } from '../../gc/sweep.ts';
import type { SweepReport } from '../../gc/sweep-report.ts';
import { openMinioUploads } from '../../storage/minio/unfinished-uploads.ts';
import { MinioUnusedCredentials } from '../../storage/minio/unused-credentials.ts';
import { openS3Store } from '../../storage/s3/open-s3-store.ts';
import { UsageError } from '../exit-code.ts';

export interface SweepRequest {
  readonly dryRun: boolean;
  readonly onFailure: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

/** Everything that `gc` needs, joined. */
export interface Collector {
  sweep(request: SweepRequest): Promise<SweepReport>;
  close(): Promise<void>;
}

/** @throws UsageError, MongoTroubleError when MongoDB does not answer, StoreError when the store's address is none */
export async function openCollector({ objectStore, services, gc }: Settings): Promise<Collector> {
  const access = storeAccess(objectStore);
  if (access === null || 'missing' in access) {
    throw new UsageError(
      'no object store is configured, so there is nothing to clean up',
      'Set MINIO_ENDPOINT, MINIO_ACCESS_KEY and MINIO_SECRET_KEY.',
    );
  }
  const client = await connectMongo(services.mongoUri ?? DEFAULT_MONGO_URI, services.mongo);
  const store = openS3Store(access, objectStore.limits);
  const uploads = openMinioUploads(access, objectStore.limits);
  const credentials = new MinioUnusedCredentials(access, access.buckets, objectStore.limits);
  return {
    sweep: ({ dryRun, onFailure, signal }) =>
      sweep({
        store,
        uploads,
        credentials,
        knownBots: { ids: () => knownBotIds(client) },
        buckets: access.buckets,
        limits: { ...gc, share: gc.sharePercent / 100 },
        dryRun,
        now: Date.now,
        onFailure,
        ...(signal === undefined ? {} : { signal }),
      }),
    async close() {
      for (const part of [store, uploads, credentials]) part.close();
      await client.close();
    },
  };
}
