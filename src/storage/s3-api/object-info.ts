import type { ObjectInfo } from '../object-store.ts';
import { type StoreCall, storeFailure } from '../store-failure.ts';
import { etagOf } from './etag.ts';
import type { S3Answer } from './s3-client.ts';

const META = 'x-amz-meta-';

export function metadataHeaders(metadata: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [META + name, value]));
}

/** @throws StoreError `unreachable` when the answer lacks what every store says */
export function objectInfo(call: StoreCall, answer: S3Answer): ObjectInfo {
  // Of a range: `bytes 5-9/200`.
  const whole = /\/(\d{1,15})$/.exec(answer.headers.get('content-range') ?? '')?.[1];
  const size = answer.status === 206 ? whole : answer.headers.get('content-length');
  if (size === undefined || !/^\d{1,15}$/.test(size)) {
    throw storeFailure('unreachable', call, 'the answer does not say how large the object is');
  }
  const modifiedAt = Date.parse(answer.headers.get('last-modified') ?? '');
  return {
    size: Number(size),
    etag: etagOf(call, answer.headers.get('etag')),
    modifiedAt: Number.isNaN(modifiedAt) ? 0 : modifiedAt,
    metadata: Object.fromEntries(
      [...answer.headers]
        .filter(([name]) => name.startsWith(META))
        .map(([name, value]) => [name.slice(META.length), value]),
    ),
  };
}
