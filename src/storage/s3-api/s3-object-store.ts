import { checkBucket, checkKey } from '../object-key.ts';
import { checkMetadata } from '../object-metadata.ts';
import type {
  Body,
  ListedObject,
  ObjectContent,
  ObjectInfo,
  ObjectPlace,
  ObjectStore,
  Piece,
  PieceLimits,
  ReadOptions,
  WriteOptions,
} from '../object-store.ts';
import { type StoreCall, storeFailure } from '../store-failure.ts';
import { drain, expectStatus, failureOf, isMissing } from './answer.ts';
import { etagOf, quoted } from './etag.ts';
import { listObjects } from './listing.ts';
import { rewriteObject } from './multipart.ts';
import { metadataHeaders, objectInfo } from './object-info.ts';
import { DEFAULT_REGION, type S3Client } from './s3-client.ts';
import { escapeXml } from './xml.ts';

const MiB = 1024 * 1024;
/** Of AWS, and kept by all others. */
const PIECES: PieceLimits = { minPieceBytes: 5 * MiB, maxPieceBytes: 5 * 1024 * MiB, mostPieces: 10_000 };

export interface S3StoreOptions {
  readonly region?: string;
  /** To clean up after a rewrite that failed. */
  readonly abortMs: number;
}

/** The port on S3's REST API, over any client. */
export class S3ObjectStore implements ObjectStore {
  readonly pieces = PIECES;
  readonly #client: S3Client;
  readonly #options: S3StoreOptions;

  constructor(client: S3Client, options: S3StoreOptions) {
    this.#client = client;
    this.#options = options;
  }

  async head(place: ObjectPlace, signal?: AbortSignal): Promise<ObjectInfo | null> {
    const call = objectCall('head', place);
    const answer = await this.#client.send({ ...call, method: 'HEAD', signal });
    if (await isMissing(call, answer)) return null;
    await expectStatus(call, answer, 200);
    await drain(answer);
    return objectInfo(call, answer);
  }

  async read(place: ObjectPlace, options: ReadOptions = {}): Promise<ObjectContent | null> {
    const call = objectCall('get', place);
    const { range, ifMatch, signal } = options;
    if (range !== undefined && !(range.from >= 0 && range.to > range.from)) {
      throw storeFailure('refused', call, `there is no range from ${range.from} to ${range.to}`);
    }
    const headers = {
      ...(range === undefined ? {} : { range: `bytes=${range.from}-${range.to - 1}` }),
      ...(ifMatch === undefined ? {} : { 'if-match': quoted(ifMatch) }),
    };
    const answer = await this.#client.send({ ...call, method: 'GET', headers, signal });
    if (await isMissing(call, answer)) return null;
    // A store that ignores the range would hand out other bytes than were asked for.
    await expectStatus(call, answer, range === undefined ? 200 : 206);
    try {
      return { info: objectInfo(call, answer), body: answer.body };
    } catch (error) {
      await answer.body.return?.();
      throw error;
    }
  }

  async write(place: ObjectPlace, body: Body, options: WriteOptions): Promise<string> {
    const call = objectCall('put', place);
    checkMetadata(call, options.metadata ?? {});
    if (body.size > PIECES.maxPieceBytes) throw storeFailure('refused', call, `${body.size} bytes are too many`);
    const { condition } = options;
    const headers = {
      'content-type': options.contentType,
      ...metadataHeaders(options.metadata),
      ...(condition !== null && 'ifMatch' in condition ? { 'if-match': quoted(condition.ifMatch) } : {}),
      ...(condition !== null && 'ifAbsent' in condition ? { 'if-none-match': '*' } : {}),
    };
    const answer = await this.#client.send({ ...call, method: 'PUT', headers, body, signal: options.signal });
    await expectStatus(call, answer, 200);
    await drain(answer);
    return etagOf(call, answer.headers.get('etag'));
  }

  async rewrite(
    place: ObjectPlace,
    etag: string,
    pieces: readonly Piece[],
    options: Omit<WriteOptions, 'condition'>,
  ): Promise<string> {
    const call = objectCall('rewrite', place);
    checkMetadata(call, options.metadata ?? {});
    const limits = { ...PIECES, abortMs: this.#options.abortMs };
    return await rewriteObject(this.#client, call, { etag, pieces, options, limits });
  }

  async remove(place: ObjectPlace, signal?: AbortSignal): Promise<void> {
    const call = objectCall('delete', place);
    const answer = await this.#client.send({ ...call, method: 'DELETE', signal });
    if (await isMissing(call, answer)) return;
    await expectStatus(call, answer, 200, 204);
    await drain(answer);
  }

  list(bucket: string, prefix: string, signal?: AbortSignal): AsyncIterable<ListedObject> {
    return listObjects(this.#client, bucketCall('list', bucket), prefix, signal);
  }

  async bucketExists(bucket: string, signal?: AbortSignal): Promise<boolean> {
    const call = bucketCall('head', bucket);
    const answer = await this.#client.send({ ...call, method: 'HEAD', signal });
    if (await isMissing(call, answer)) return false;
    await expectStatus(call, answer, 200);
    await drain(answer);
    return true;
  }

  async createBucket(bucket: string, signal?: AbortSignal): Promise<void> {
    const call = bucketCall('create bucket', bucket);
    const { region = DEFAULT_REGION } = this.#options;
    const body = region === DEFAULT_REGION ? Buffer.alloc(0) : Buffer.from(bucketRegion(region));
    const answer = await this.#client.send({
      ...call,
      method: 'PUT',
      body: { size: body.length, read: () => [body] },
      signal,
    });
    if (answer.status === 200) return await drain(answer);
    const failure = await failureOf(call, answer);
    if (!/BucketAlready(OwnedByYou|Exists)$/.test(failure.message)) throw failure;
  }

  close(): void {
    this.#client.close();
  }
}

function objectCall(operation: string, { bucket, key }: ObjectPlace): StoreCall {
  const call = { operation, bucket, key };
  checkBucket(call);
  checkKey(call);
  return call;
}

function bucketCall(operation: string, bucket: string): StoreCall {
  const call = { operation, bucket, key: '' };
  checkBucket(call);
  return call;
}

function bucketRegion(region: string): string {
  return `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${escapeXml(region)}</LocationConstraint></CreateBucketConfiguration>`;
}
