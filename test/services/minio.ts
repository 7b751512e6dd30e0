import type { S3Access } from '../../src/storage/s3-api/s3-client.ts';
import { freePort } from './free-port.ts';
import { startServer } from './restartable-server.ts';
import { needsBinary } from './service-process.ts';

/** Options for a suite that needs a real MinIO: `describe(name, needsMinio(), …)`. */
export function needsMinio(): { skip: string | false } {
  return needsBinary('minio', 'test/services/minio.sh');
}

export interface MinioServer {
  readonly access: S3Access;
  readonly pid: number;
  /** Ends it and starts it again on the same port with the same data. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/**
 * A server of its own: a free port and an empty directory.
 * @param certificates directory with `public.crt` and `private.key`, for TLS
 * @param host where it listens
 */
export async function startMinio(certificates?: string, host = '127.0.0.1'): Promise<MinioServer> {
  const endpoint = `${host}:${await freePort()}`;
  const ssl = certificates !== undefined;
  const access = { endpoint, ssl, accessKey: 'the0-test', secretKey: 'the0-test-secret' };
  const options = ['--quiet', '--address', endpoint, ...(ssl ? ['--certs-dir', certificates] : [])];
  const url = `${ssl ? 'https' : 'http'}://${endpoint}/`;
  const server = await startServer({
    binary: 'minio',
    args: (data) => ['server', ...options, data],
    env: {
      MINIO_ROOT_USER: access.accessKey,
      MINIO_ROOT_PASSWORD: access.secretKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
    isReady: () => isReady(url),
  });
  return {
    access,
    get pid() {
      return server.pid;
    },
    restart: async () => {
      await server.stop();
      await server.start();
    },
    stop: () => server.remove(),
  };
}

/** Its health page says yes before it serves buckets; whoever has no name is refused only once it does. */
async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).status === 403;
  } catch {
    return false; // Not yet; startServer gives up in the end.
  }
}
