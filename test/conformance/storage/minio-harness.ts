import type { ObjectStore } from '../../../src/storage/object-store.ts';
import type { S3Access } from '../../../src/storage/s3-api/s3-client.ts';
import { startMinio } from '../../services/minio.ts';
import type { StoreHarness } from './suite.ts';

/** A MinIO of its own. */
export async function minioHarness(open: (access: S3Access) => ObjectStore): Promise<StoreHarness> {
  const server = await startMinio();
  const stores: ObjectStore[] = [];
  return {
    openStore: () => {
      const store = open(server.access);
      stores.push(store);
      return store;
    },
    cleanup: async () => {
      for (const store of stores) store.close();
      await server.stop();
    },
  };
}
