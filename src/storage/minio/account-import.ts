import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';
import type { ServiceAccount } from './admin-api.ts';

/**
 * One account as an archive for MinIO's IAM import, which touches only what is in it. Not encrypted: the secret in it must
 * be replaced at once.
 * @param parent the user below whom the account is
 */
export async function importArchive(account: ServiceAccount, parent: string): Promise<Buffer> {
  const { accessKey, secretKey, policy, name, description } = account;
  const own = { parent, accessKey, secretKey, groups: [], claims: {}, sessionPolicy: policy, status: 'on' };
  const zip = new yazl.ZipFile();
  const accounts = { [accessKey]: { ...own, name, description } };
  zip.addBuffer(Buffer.from(JSON.stringify(accounts)), 'iam-assets/svcaccts.json', { compress: false });
  zip.end();
  return await buffer(zip.outputStream);
}
