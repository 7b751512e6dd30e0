import { randomBytes } from 'node:crypto';
import { Client } from 'minio';
import type { KnownBots } from '../../src/gc/known-bots.ts';
import { type SweepLimits, type SweepOptions, sweep } from '../../src/gc/sweep.ts';
import type { SweepReport } from '../../src/gc/sweep-report.ts';
import { openMinioUploads } from '../../src/storage/minio/unfinished-uploads.ts';
import { type Buckets, bodyOf, type ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import type { S3Access } from '../../src/storage/s3-api/s3-client.ts';
import type { UnfinishedUploads } from '../../src/storage/unfinished-uploads.ts';
import type { MinioServer } from '../services/minio.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const LIMITS: SweepLimits = {
  staleMs: HOUR,
  graceMs: DAY,
  fewOrphans: 3,
  share: 0.5,
  orphans: 1_000,
  removalsAtOnce: 4,
};

/** Buckets of one test, in a real MinIO. Its clock cannot be moved, so the sweep's is. */
export class StoreFixture {
  readonly buckets: Buckets;
  readonly store: ObjectStore;
  readonly uploads: UnfinishedUploads;
  readonly failures: string[] = [];
  readonly #access: S3Access;

  static async make({ access }: MinioServer): Promise<StoreFixture> {
    const fixture = new StoreFixture(access);
    const { state, logs, queryResults } = fixture.buckets;
    for (const bucket of [state, logs, queryResults]) await fixture.store.createBucket(bucket);
    return fixture;
  }

  constructor(access: S3Access) {
    const run = randomBytes(4).toString('hex');
    this.buckets = { code: `c-${run}`, state: `s-${run}`, logs: `l-${run}`, queryResults: `q-${run}` };
    this.#access = access;
    this.store = openS3Store(access);
    this.uploads = openMinioUploads(access);
  }

  async put(bucket: keyof Buckets, key: string, text = 'x'): Promise<void> {
    const place = { bucket: this.buckets[bucket], key };
    await this.store.write(place, bodyOf(Buffer.from(text)), { condition: null, contentType: 'text/plain' });
  }

  /** Two days of log, and a state. */
  async bot(botId: string): Promise<void> {
    await this.put('logs', `logs/${botId}/20260101.log`);
    await this.put('logs', `logs/${botId}/20260102.log`, '12345');
    await this.put('state', `${botId}/state.tar.gz`, '1234567890');
  }

  async beginUpload(bucket: keyof Buckets, key: string): Promise<void> {
    const [endPoint = '', port] = this.#access.endpoint.split(':');
    const { accessKey, secretKey } = this.#access;
    const client = new Client({ endPoint, port: Number(port), useSSL: false, accessKey, secretKey });
    await client.initiateNewMultipartUpload(this.buckets[bucket], key, {});
  }

  async keys(bucket: keyof Buckets): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(this.buckets[bucket], '')) keys.push(key);
    return keys.filter((key) => !key.startsWith('.the0-gc/'));
  }

  async uploadsLeft(): Promise<string[]> {
    const keys: string[] = [];
    for (const bucket of [this.buckets.logs, this.buckets.state]) {
      for await (const { key } of this.uploads.list(bucket)) keys.push(key);
    }
    return keys;
  }

  /** @param afterMs how much later than now the sweep takes place */
  async sweep(
    known: readonly string[] | KnownBots,
    afterMs: number,
    more: Partial<SweepOptions> = {},
  ): Promise<SweepReport> {
    return await sweep({
      store: this.store,
      uploads: this.uploads,
      knownBots: 'ids' in known ? known : { ids: async () => new Set(known) },
      credentials: null,
      buckets: this.buckets,
      limits: LIMITS,
      dryRun: false,
      now: () => Date.now() + afterMs,
      onFailure: (sentence) => this.failures.push(sentence),
      ...more,
    });
  }

  close(): void {
    this.store.close();
    this.uploads.close();
  }
}
