import process from 'node:process';
import { loadSettings } from '../../src/config/load-settings.ts';
import { docker, dockerAvailable } from '../../test/services/docker.ts';
import { needsMinio } from '../../test/services/minio.ts';
import { needsMongo } from '../../test/services/mongodb.ts';
import { needsNats } from '../../test/services/nats.ts';
import type { Need } from './catalogue.ts';

/** What benchmarks need and this machine does not have, each with a sentence why. */
export async function whatIsMissing(): Promise<ReadonlyMap<Need, string>> {
  const missing = new Map<Need, string>();
  if (process.platform !== 'linux') missing.set('linux', 'it looks into /proc, which only Linux has');
  const noMinio = needsMinio().skip;
  if (noMinio !== false) missing.set('minio', noMinio);
  const noMongo = needsMongo().skip;
  if (noMongo !== false) missing.set('mongodb', noMongo);
  const noNats = needsNats().skip;
  if (noNats !== false) missing.set('nats', noNats);
  const noDocker = await whyNoDocker();
  if (noDocker !== null) missing.set('docker', noDocker);
  return missing;
}

async function whyNoDocker(): Promise<string | null> {
  if (!(await dockerAvailable())) return 'no Docker Engine answers here';
  const { image } = loadSettings(process.env, { engine: 'docker' }).settings.docker;
  const isThere = await docker
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    );
  return isThere ? null : `there is no image ${image}; npm run image builds it`;
}
