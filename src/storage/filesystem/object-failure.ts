import { errnoOf } from '../../errno.ts';
import { StoreError, type StoreTrouble } from '../object-store.ts';
import { type StoreCall, storeFailure } from '../store-failure.ts';

const TROUBLE: Readonly<Record<string, StoreTrouble>> = {
  ENOENT: 'missing',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EMFILE: 'busy',
  ENFILE: 'busy',
  EAGAIN: 'busy',
  EBUSY: 'busy',
  EIO: 'unreachable',
  ESTALE: 'unreachable',
};

/** What the file system's refusal means for the caller of the port. */
export function fileFailure(call: StoreCall, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const errno = errnoOf(error) ?? (error instanceof Error ? error.name : 'unknown');
  return storeFailure(TROUBLE[errno] ?? 'refused', call, errno, error);
}
