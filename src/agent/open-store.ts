import { DEFAULT_BUCKETS } from '../storage/object-store.ts';
import type { S3Limits } from '../storage/s3-api/s3-limits.ts';
import { AgentError, messageOf } from './agent-error.ts';
import type { AgentLimits } from './agent-limits.ts';
import type { AgentStore } from './stored-code.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What is said of the store and is no secret; hidden in messages, these would only make them useless. */
const OPEN_TO_ALL = new Set([
  'MINIO_ENDPOINT',
  'MINIO_CONTAINER_ENDPOINT',
  'MINIO_USE_SSL',
  'MINIO_SSL',
  'MINIO_CODE_BUCKET',
  'MINIO_STATE_BUCKET',
  'MINIO_LOGS_BUCKET',
  'MINIO_QUERY_RESULTS_BUCKET',
]);

/** What must never be shown: all that came over the launcher's pipe, and what stands in the environment where there is none. */
export function hiddenValues(secrets: ReadonlyMap<string, string>, env: Environment): string[] {
  const given = Object.entries(env).filter(([name]) => /^(MINIO_.*|NATS_URL|MONGO_URI)$/.test(name));
  return [...secrets, ...given].flatMap(([name, value]) =>
    value === undefined || OPEN_TO_ALL.has(name) ? [] : [value],
  );
}

/** Whether there is an object store at all. */
export function namesStore(secrets: ReadonlyMap<string, string>, env: Environment): boolean {
  return (secrets.get('MINIO_ENDPOINT') || env['MINIO_ENDPOINT'] || '') !== '';
}

/**
 * The object store that the environment names (contract 4.2), or null when it names none. Nothing is sent yet. What came
 * over the launcher's pipe goes before the environment.
 * @throws AgentError `environment-incomplete` when one of the three that are needed is missing, or the address is none
 */
export async function openStore(
  secrets: ReadonlyMap<string, string>,
  env: Environment,
  limits: AgentLimits,
): Promise<AgentStore | null> {
  const given = (variable: string): string => secrets.get(variable) || env[variable] || '';
  if (!namesStore(secrets, env)) return null;
  const endpoint = given('MINIO_ENDPOINT');
  const required = (variable: string): string => given(variable) || incomplete(variable, `${variable} is missing`);
  const accessKey = required('MINIO_ACCESS_KEY');
  const secretKey = required('MINIO_SECRET_KEY');
  const sessionToken = given('MINIO_SESSION_TOKEN');
  // Where there is no store, none of this is loaded.
  const { openS3Store } = await import('../storage/s3/open-s3-store.ts');
  try {
    return {
      // Inside containers only the literal counts.
      store: openS3Store(
        { endpoint, accessKey, secretKey, sessionToken, ssl: given('MINIO_USE_SSL') === 'true' },
        limitsFrom(limits),
      ),
      buckets: {
        code: given('MINIO_CODE_BUCKET') || DEFAULT_BUCKETS.code,
        state: given('MINIO_STATE_BUCKET') || DEFAULT_BUCKETS.state,
        logs: given('MINIO_LOGS_BUCKET') || DEFAULT_BUCKETS.logs,
        queryResults: given('MINIO_QUERY_RESULTS_BUCKET') || DEFAULT_BUCKETS.queryResults,
      },
    };
  } catch (error) {
    return incomplete('MINIO_ENDPOINT', messageOf(error));
  }
}

/** @throws AgentError when there is none */
export async function requireStore(
  secrets: ReadonlyMap<string, string>,
  env: Environment,
  limits: AgentLimits,
): Promise<AgentStore> {
  return (await openStore(secrets, env, limits)) ?? incomplete('MINIO_ENDPOINT', 'MINIO_ENDPOINT is missing');
}

function limitsFrom(limits: AgentLimits): S3Limits {
  return {
    connections: limits.storeConnections,
    connectMs: limits.storeConnectMs,
    silenceMs: limits.storeSilenceMs,
    callMs: limits.storeCallMs,
    slowestBytesPerSecond: limits.storeSlowestBytesPerSecond,
    keptMs: limits.storeKeptMs,
    abortMs: limits.storeAbortMs,
  };
}

function incomplete(variable: string, detail: string): never {
  throw new AgentError('environment-incomplete', `the object store cannot be used: ${detail}`, { variable });
}
