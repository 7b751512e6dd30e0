import type { ObjectStore } from '../object-store.ts';
import { parseEndpoint } from '../s3-api/endpoint.ts';
import { DEFAULT_REGION, type S3Access, type S3Client } from '../s3-api/s3-client.ts';
import { DEFAULT_S3_LIMITS, type S3Limits } from '../s3-api/s3-limits.ts';
import { S3ObjectStore } from '../s3-api/s3-object-store.ts';
import { LightS3Client } from './light-client.ts';

/** A store that speaks S3. Nothing is sent yet. @throws StoreError `refused` when the endpoint is none */
export function openS3Store(access: S3Access, limits: S3Limits = DEFAULT_S3_LIMITS): ObjectStore {
  const client = openS3Client(access, limits);
  return new S3ObjectStore(client, { region: access.region ?? DEFAULT_REGION, abortMs: limits.abortMs });
}

/** For calls that are none of an object store's. @throws StoreError `refused` when the endpoint is none */
export function openS3Client(access: S3Access, limits: S3Limits): S3Client {
  return new LightS3Client(parseEndpoint(access.endpoint, access.ssl), access, limits);
}
