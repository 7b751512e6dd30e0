import { DEFAULT_BUCKETS } from '../../storage/object-store.ts';
import { DEFAULT_S3_LIMITS, type S3Limits } from '../../storage/s3-api/s3-limits.ts';
import type { Pick, Setting, SettingKind } from '../setting.ts';
import { choice, duration, integer, optional, secret, size, text } from '../setting-kinds.ts';

/** `true` or `false`; the environment is read as Go's `ParseBool` does, and what that refuses is false (contract 4.2). */
const yesOrNo: SettingKind<'true' | 'false'> = choice('true', 'false');

function readLikeGo(value: string): 'true' | 'false' {
  return /^(?:1|t|T|true|TRUE|True)$/.test(value) ? 'true' : 'false';
}

const address = optional('<host:port>', 'host:port without a scheme');

function bucket(what: keyof typeof DEFAULT_BUCKETS, words: string, env: string, help: string): Setting<string> {
  return { group: 'store', flag: `minio-${words}-bucket`, env, kind: text, default: DEFAULT_BUCKETS[what], help };
}

function limit(which: keyof S3Limits, words: string, kind: SettingKind<number>, help: string): Setting<number> {
  const env = `THE0_STORE_${words.replaceAll('-', '_').toUpperCase()}`;
  return { group: 'store', flag: `store-${words}`, env, kind, default: DEFAULT_S3_LIMITS[which], help };
}

/** The object store, if there is one (contract 4.1, 4.2). */
export function objectStoreSettings(pick: Pick) {
  return {
    /** Null: none. */
    endpoint: pick({
      group: 'store',
      flag: 'minio-endpoint',
      env: 'MINIO_ENDPOINT',
      kind: address,
      default: null,
      help: "object store (S3) for bots' code, state and logs, as the runtime reaches it; none when empty",
    }),
    /** Null: the same. */
    containerEndpoint: pick({
      group: 'store',
      flag: 'minio-container-endpoint',
      env: 'MINIO_CONTAINER_ENDPOINT',
      kind: address,
      default: null,
      defaultText: '<minio-endpoint>',
      help: 'the same store as containers of bots reach it (engine docker)',
    }),
    accessKey: pick({
      group: 'store',
      flag: 'minio-access-key',
      env: 'MINIO_ACCESS_KEY',
      kind: secret,
      default: null,
      help: 'access key of the object store; better given as the variable, a flag can be seen by others',
    }),
    secretKey: pick({
      group: 'store',
      flag: 'minio-secret-key',
      env: 'MINIO_SECRET_KEY',
      kind: secret,
      default: null,
      help: 'secret key of the object store; better given as the variable, a flag can be seen by others',
    }),
    useSsl: pick({
      group: 'store',
      flag: 'minio-use-ssl',
      env: 'MINIO_USE_SSL',
      kind: yesOrNo,
      default: 'false',
      help: 'whether the object store is spoken to over TLS',
      lenientEnv: readLikeGo,
    }),
    ssl: pick({
      group: 'store',
      flag: 'minio-ssl',
      env: 'MINIO_SSL',
      kind: yesOrNo,
      default: 'false',
      help: 'the same by its other name; either of them is enough',
      lenientEnv: readLikeGo,
    }),
    buckets: {
      code: pick(bucket('code', 'code', 'MINIO_CODE_BUCKET', "bucket with the bots' code archives")),
      state: pick(bucket('state', 'state', 'MINIO_STATE_BUCKET', "bucket with the bots' state")),
      logs: pick(bucket('logs', 'logs', 'MINIO_LOGS_BUCKET', "bucket with the bots' logs")),
      queryResults: pick(
        bucket('queryResults', 'query-results', 'MINIO_QUERY_RESULTS_BUCKET', 'bucket with results of queries'),
      ),
    },
    /** Of the runtime's own calls; those of agents are limits of the agent. */
    limits: {
      connections: pick(
        limit('connections', 'connections', integer('count', 1, 1024), 'connections to the store at the same time'),
      ),
      connectMs: pick(
        limit('connectMs', 'connect-timeout', duration('10ms', '10m'), 'how long a connection may take to stand'),
      ),
      silenceMs: pick(
        limit('silenceMs', 'silence', duration('10ms', '1h'), 'longest silence of the store in the middle of a call'),
      ),
      callMs: pick(
        limit('callMs', 'call-timeout', duration('10ms', '24h'), 'all waiting of one call; more for what is large'),
      ),
      slowestBytesPerSecond: pick(
        limit(
          'slowestBytesPerSecond',
          'slowest-transfer',
          size('1KiB', '1GiB'),
          'bytes per second; a transfer that is slower fails',
        ),
      ),
      keptMs: pick(
        limit('keptMs', 'keep-alive', duration('1ms', '10m'), 'how long a connection is kept for the next call'),
      ),
      abortMs: pick(
        limit(
          'abortMs',
          'abort-timeout',
          duration('10ms', '1h'),
          'how long it may take to clean up after an upload that failed',
        ),
      ),
    } satisfies Record<keyof S3Limits, number>,
  };
}

export type ObjectStoreSettings = ReturnType<typeof objectStoreSettings>;

/** Everything that is needed to reach a store. */
export interface StoreAccess {
  readonly endpoint: string;
  /** As containers reach it. */
  readonly containerEndpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly ssl: boolean;
  readonly buckets: ObjectStoreSettings['buckets'];
}

/** @returns null when no store is configured; the names of the flags that are missing when only half of it is */
export function storeAccess(
  settings: ObjectStoreSettings,
): StoreAccess | null | { readonly missing: readonly string[] } {
  const { endpoint, accessKey, secretKey, containerEndpoint, buckets } = settings;
  if (endpoint === null) return null;
  if (accessKey === null || secretKey === null) {
    const keys = { 'minio-access-key': accessKey, 'minio-secret-key': secretKey };
    return { missing: Object.entries(keys).flatMap(([flag, value]) => (value === null ? [flag] : [])) };
  }
  const ssl = settings.useSsl === 'true' || settings.ssl === 'true';
  return { endpoint, containerEndpoint: containerEndpoint ?? endpoint, accessKey, secretKey, ssl, buckets };
}
