import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleAgent } from '../../images/bundle-agent.ts';
import { docker, needsDocker, removeOldImages } from './docker.ts';

const BASE = 'the0-runtime:slim';
const RUNTIME = join(import.meta.dirname, '../../images/runtime');

/** Options for a suite that needs a Docker engine and the image that bots really run in. */
export async function needsRuntimeImage(): Promise<{ skip: string | false }> {
  const engine = await needsDocker();
  if (engine.skip !== false || process.env['THE0_REQUIRE_SERVICES'] === '1' || (await isThere(BASE))) return engine;
  return { skip: `there is no image ${BASE}; \`npm run image -- --target slim\` builds it` };
}

/** The image that bots really run in, with the agent and the launcher of now, however old the image is. */
export async function runtimeImage(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'the0-runtime-image-'));
  try {
    const agent = await bundleAgent(join(root, 'agent.js'));
    const launcher = join(root, 'runtime');
    await cp(join(RUNTIME, 'launcher.sh'), launcher);
    await chmod(launcher, 0o755);
    const { Id } = await docker.getImage(BASE).inspect();
    const hash = createHash('sha256').update(Id);
    for (const file of [agent, launcher]) hash.update(await readFile(file));
    const repo = 'the0-runtime-test';
    const tag = hash.digest('hex').slice(0, 12);
    if (await isThere(`${repo}:${tag}`)) return `${repo}:${tag}`;
    const { stdout } = await promisify(execFile)(
      'tar',
      ['-C', root, '--owner=0', '--group=0', '-c', 'agent.js', 'runtime'],
      { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 },
    );
    const container = await docker.createContainer({ Image: BASE });
    try {
      await container.putArchive(stdout, { path: '/app' });
      await container.commit({ repo, tag, changes: 'LABEL the0.test-image=1' });
    } finally {
      await container.remove();
    }
    await removeOldImages(await docker.listImages({ filters: { reference: [repo] } }));
    return `${repo}:${tag}`;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function isThere(reference: string): Promise<boolean> {
  return (await docker.listImages({ filters: { reference: [reference] } })).length > 0;
}
