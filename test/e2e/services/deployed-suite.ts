import { after, before } from 'node:test';
import { needsDocker } from '../../services/docker.ts';
import { needsMinio } from '../../services/minio.ts';
import { needsMongo } from '../../services/mongodb.ts';
import { needsNats } from '../../services/nats.ts';
import { needsRuntimeImage } from '../../services/runtime-image.ts';
import { Deployment } from './deployment.ts';

/** Options of a suite that needs a {@link Deployment}: skipped where a service is missing. */
export async function needsDeployment(): Promise<{ skip: string | false; timeout: number }> {
  const skip =
    needsMongo().skip ||
    needsNats().skip ||
    needsMinio().skip ||
    (await needsDocker()).skip ||
    (await needsRuntimeImage()).skip;
  return { skip, timeout: 600_000 };
}

/**
 * Gives the suite in which it is called a deployment of its own: begun before the tests, ended after them, even when they
 * could not begin.
 * @param begun what else is done before the tests
 */
export function withDeployment(
  begun: (deployment: Deployment) => Promise<void>,
  mongoDb?: Parameters<typeof Deployment.begin>[0],
): void {
  let deployment: Deployment | null = null;
  before(async () => {
    deployment = await Deployment.begin(mongoDb);
    await begun(deployment);
  });
  after(async () => {
    await deployment?.end();
  });
}
