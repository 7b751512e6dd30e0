import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';
import type { ServiceAccount } from './admin-api.ts';

/** A policy that every MinIO has: everything of S3, nothing of the admin API. What an account may is its own policy's matter. */
const POLICY_OF_USERS = 'readwrite';

/**
 * One account as an archive for MinIO's IAM import, which touches only what is in it. Not encrypted: the secret in it must
 * be replaced at once.
 * @param user below whom the account is. It gets a policy, because an account may no more than its user
 */
export async function importArchive(account: ServiceAccount, user: string): Promise<Buffer> {
  const { accessKey, secretKey, policy, name, description, until } = account;
  const zip = new yazl.ZipFile();
  const add = (file: string, content: unknown) =>
    zip.addBuffer(Buffer.from(JSON.stringify(content)), `iam-assets/${file}.json`, { compress: false });
  add('user_mappings', { [user]: { version: 1, policy: POLICY_OF_USERS } });
  add('svcaccts', {
    [accessKey]: {
      ...{ parent: user, accessKey, secretKey, groups: [], claims: {}, sessionPolicy: policy, status: 'on' },
      ...{ name, description },
      ...(until === undefined ? {} : { expiration: new Date(until).toISOString() }),
    },
  });
  zip.end();
  return await buffer(zip.outputStream);
}
