import type { Settings } from '../config/settings.ts';
import { type StoreAccess, storeAccess } from '../config/table/object-store.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { natsUrlOfBots } from './engines.ts';
import { UsageError } from './exit-code.ts';

/** The object store of this runtime: how it is reached, and the store itself. */
export interface RuntimeStore {
  readonly access: StoreAccess;
  readonly store: ObjectStore;
}

/** Null: none is configured. Nothing is sent yet. @throws UsageError when one of its addresses is none */
export async function openRuntimeStore({ objectStore }: Settings): Promise<RuntimeStore | null> {
  const access = storeAccess(objectStore);
  if (access === null || 'missing' in access) return null;
  const { openS3Store } = await import('../storage/s3/open-s3-store.ts');
  const { parseEndpoint } = await import('../storage/s3-api/endpoint.ts');
  for (const [setting, address] of [
    ['MINIO_ENDPOINT', access.endpoint],
    ['MINIO_CONTAINER_ENDPOINT', access.containerEndpoint],
  ] as const) {
    try {
      parseEndpoint(address, access.ssl);
    } catch (cause) {
      const hint = `Write ${setting} as host:port, and MINIO_USE_SSL=true where the store speaks TLS.`;
      throw new UsageError(`${setting}: ${cause instanceof Error ? cause.message : String(cause)}`, hint, { cause });
    }
  }
  return { access, store: openS3Store(access, objectStore.limits) };
}

/** Addresses given to containers that mean the container itself there; in sentences. */
export function addressesOfNoUse(settings: Settings): string[] {
  const { engine, docker, objectStore } = settings;
  if (engine !== 'docker' || docker.network === 'host') return [];
  const access = storeAccess(objectStore);
  const sentences: string[] = [];
  if (access !== null && !('missing' in access) && isLoopback(access.containerEndpoint)) {
    sentences.push(
      `Containers do not reach the object store as ${access.containerEndpoint}, which is each container itself: ` +
        'set MINIO_CONTAINER_ENDPOINT, for example to host.docker.internal and the port, and let the store listen there.',
    );
  }
  if (
    natsUrlOfBots(settings)
      ?.split(',')
      .some((url) =>
        isLoopback(
          url
            .trim()
            .replace(/^[a-z]+:\/\//, '')
            .replace(/^.*@/, ''),
        ),
      )
  ) {
    sentences.push(
      'Containers do not reach NATS on this host by the address in NATS_URL, which is each container itself: ' +
        'use host.docker.internal, and let NATS listen there.',
    );
  }
  return sentences;
}

function isLoopback(hostAndPort: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?\/?$/i.test(hostAndPort);
}
