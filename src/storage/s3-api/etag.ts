import { type StoreCall, storeFailure } from '../store-failure.ts';

/** As the port has it: without quotes. @throws StoreError `unreachable` */
export function etagOf(call: StoreCall, text: string | null | undefined): string {
  const etag = text?.replace(/^W\//, '').replaceAll('"', '') ?? '';
  if (etag === '') throw storeFailure('unreachable', call, 'the answer names no ETag');
  return etag;
}

/** As HTTP has it. What no ETag holds is left out, for it goes into a header. */
export function quoted(etag: string): string {
  return `"${etag.replace(/[^\x21\x23-\x7e]/g, '')}"`;
}
