import { checkBucket } from '../object-key.ts';
import { openS3Client } from '../s3/open-s3-store.ts';
import { drain, expectStatus, isMissing, textOf } from '../s3-api/answer.ts';
import { decodedKey } from '../s3-api/listing.ts';
import type { S3Access, S3Client } from '../s3-api/s3-client.ts';
import { DEFAULT_S3_LIMITS, type S3Limits } from '../s3-api/s3-limits.ts';
import { xmlElements, xmlText } from '../s3-api/xml.ts';
import { type StoreCall, storeFailure } from '../store-failure.ts';
import type { UnfinishedUpload, UnfinishedUploads } from '../unfinished-uploads.ts';

/** Uploads asked for at once; a page is held in memory. */
const PAGE_UPLOADS = 500;

/** Nothing is sent yet. @throws StoreError `refused` when the endpoint is none */
export function openMinioUploads(access: S3Access, limits: S3Limits = DEFAULT_S3_LIMITS): UnfinishedUploads {
  return new MinioUploads(openS3Client(access, limits));
}

class MinioUploads implements UnfinishedUploads {
  readonly #client: S3Client;

  constructor(client: S3Client) {
    this.#client = client;
  }

  /** ListMultipartUploads; a page goes on behind the last key and upload of the one before. */
  async *list(bucket: string, signal?: AbortSignal): AsyncGenerator<UnfinishedUpload> {
    const call = { operation: 'list uploads', bucket, key: '' };
    checkBucket(call);
    for (let after: Marker | null = null; ; ) {
      const query: Record<string, string> = {
        uploads: '',
        // Keys may hold what XML cannot.
        'encoding-type': 'url',
        'max-uploads': String(PAGE_UPLOADS),
        ...(after === null ? {} : { 'key-marker': after.key, 'upload-id-marker': after.uploadId }),
      };
      const answer = await this.#client.send({ ...call, method: 'GET', query, signal });
      if (await isMissing(call, answer)) return;
      await expectStatus(call, answer, 200);
      const xml = await textOf(call, answer);
      if (!xml.includes('</ListMultipartUploadsResult>')) {
        throw storeFailure('unreachable', call, 'the answer is no listing of uploads');
      }
      for (const entry of xmlElements(xml, 'Upload')) yield uploadOf(call, entry);
      if (xmlText(xml, 'IsTruncated') !== 'true') return;
      const next = {
        key: decodedKey(call, xmlText(xml, 'NextKeyMarker') ?? ''),
        uploadId: xmlText(xml, 'NextUploadIdMarker') ?? '',
      };
      const stands = after !== null && next.key === after.key && next.uploadId === after.uploadId;
      if (next.key === '' || stands) throw storeFailure('unreachable', call, 'the listing of uploads does not go on');
      after = next;
    }
  }

  async abort({ bucket, key, uploadId }: UnfinishedUpload, signal?: AbortSignal): Promise<void> {
    const call = { operation: 'abort upload', bucket, key };
    const answer = await this.#client.send({ ...call, method: 'DELETE', query: { uploadId }, signal });
    await expectStatus(call, answer, 200, 204, 404);
    await drain(answer);
  }

  close(): void {
    this.#client.close();
  }
}

interface Marker {
  readonly key: string;
  readonly uploadId: string;
}

function uploadOf(call: StoreCall, entry: string): UnfinishedUpload {
  const key = xmlText(entry, 'Key');
  const uploadId = xmlText(entry, 'UploadId');
  const begunAt = Date.parse(xmlText(entry, 'Initiated') ?? '');
  if (!key || !uploadId || Number.isNaN(begunAt)) {
    throw storeFailure('unreachable', call, 'an entry of the listing lacks key, upload or time');
  }
  return { bucket: call.bucket, key: decodedKey(call, key), uploadId, begunAt };
}
