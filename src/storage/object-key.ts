import { type StoreCall, storeFailure } from './store-failure.ts';

/** S3's own limit, in bytes of UTF-8. */
const LONGEST_KEY_BYTES = 1024;

/**
 * Beyond this the store decides: some refuse `..` or very long segments.
 * @throws StoreError `refused`
 */
export function checkKey(call: StoreCall): void {
  if (call.key === '') throw storeFailure('refused', call, 'the key is empty');
  if (!call.key.isWellFormed()) throw storeFailure('refused', call, 'the key is not Unicode');
  if (Buffer.byteLength(call.key) > LONGEST_KEY_BYTES) throw storeFailure('refused', call, 'the key is too long');
}

/** S3's rules. It also keeps a bucket from being `..` where it is a directory. */
export function checkBucket(call: StoreCall): void {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(call.bucket)) {
    throw storeFailure('refused', call, 'this is no name for a bucket');
  }
}
