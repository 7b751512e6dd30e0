import { StoreError } from '../storage/object-store.ts';
import { UsageError } from './exit-code.ts';

/** What to do about a store that does not work, naming the settings. Never a value that is secret. */
export function storeAdvice(error: unknown): string {
  switch (error instanceof StoreError ? error.trouble : 'refused') {
    case 'denied':
      return 'Check MINIO_ACCESS_KEY and MINIO_SECRET_KEY, and what their user may do there.';
    case 'unreachable':
    case 'busy':
      return 'Start it, or correct its address in MINIO_ENDPOINT (host:port); MINIO_USE_SSL=true if it speaks TLS.';
    case 'full':
      return 'Make room in it.';
    default:
      return 'Check MINIO_ENDPOINT (host:port, without a scheme) and MINIO_USE_SSL (true if it speaks TLS).';
  }
}

/** An error of the store for the person who called a verb; others are left as they are. */
export function tellStoreError(endpoint: string, error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  const sentence = `the object store ${endpoint} cannot be used: ${error.message}`;
  return new UsageError(sentence, storeAdvice(error), { cause: error });
}
