import type { ListedObject } from '../object-store.ts';
import { type StoreCall, storeFailure } from '../store-failure.ts';
import { expectStatus, isMissing, textOf } from './answer.ts';
import type { S3Client } from './s3-client.ts';
import { xmlElements, xmlText } from './xml.ts';

/** Keys asked for at once; a page is held in memory. */
const PAGE_KEYS = 500;

/** Every object with this prefix, page by page (ListObjectsV2). */
export async function* listObjects(
  client: S3Client,
  call: StoreCall,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedObject> {
  for (let token: string | null = null; ; ) {
    const query: Record<string, string> = {
      'list-type': '2',
      // Keys may hold what XML cannot.
      'encoding-type': 'url',
      'max-keys': String(PAGE_KEYS),
      prefix,
      ...(token === null ? {} : { 'continuation-token': token }),
    };
    const answer = await client.send({ ...call, method: 'GET', query, signal });
    if (await isMissing(call, answer)) return;
    await expectStatus(call, answer, 200);
    const xml = await textOf(call, answer);
    if (!xml.includes('</ListBucketResult>')) throw storeFailure('unreachable', call, 'the answer is no listing');
    for (const entry of xmlElements(xml, 'Contents')) yield listedObject(call, entry);
    if (xmlText(xml, 'IsTruncated') !== 'true') return;
    const next = xmlText(xml, 'NextContinuationToken');
    if (next === null || next === token) throw storeFailure('unreachable', call, 'the listing does not go on');
    token = next;
  }
}

function listedObject(call: StoreCall, entry: string): ListedObject {
  const key = xmlText(entry, 'Key');
  const size = Number(xmlText(entry, 'Size') ?? Number.NaN);
  const modifiedAt = Date.parse(xmlText(entry, 'LastModified') ?? '');
  if (key === null || !Number.isSafeInteger(size) || Number.isNaN(modifiedAt)) {
    throw storeFailure('unreachable', call, 'an entry of the listing lacks key, size or time');
  }
  return { key: decodedKey(call, key), size, modifiedAt };
}

/** @throws StoreError `unreachable` */
export function decodedKey(call: StoreCall, key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch (error) {
    throw storeFailure('unreachable', call, 'a key of the listing is not encoded as it should be', error);
  }
}
