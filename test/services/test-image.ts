import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bundleAgent } from '../../images/bundle-agent.ts';
import { docker } from './docker.ts';

const PROJECT = join(import.meta.dirname, '../..');
const LABEL = 'the0.test-image=1';
/** Raised when what is in the image changes. */
const RECIPE = 2;

/**
 * An image with the agent, for tests of the Docker engine: the one named by THE0_TEST_IMAGE, or a small one made in two
 * seconds from what is on this machine (this Node binary with its libraries, the agent, the wrappers; no shell, no Python).
 */
export async function testImage(): Promise<string> {
  const named = process.env['THE0_TEST_IMAGE'];
  if (named) return named;
  const root = await mkdtemp(join(tmpdir(), 'the0-test-image-'));
  try {
    const agent = await bundleAgent(join(root, 'app/agent.js'));
    const wrapper = join(PROJECT, 'images/wrappers/node_bot.js');
    const hash = createHash('sha256').update(`${RECIPE} ${process.version}`);
    for (const file of [agent, wrapper]) hash.update(await readFile(file));
    const reference = `the0-test-agent:${hash.digest('hex').slice(0, 12)}`;
    if (await exists(reference)) return reference;
    await cp(dirname(wrapper), join(root, 'app/wrappers'), { recursive: true });
    await copyProgram(root, process.execPath, 'node');
    // What the engine runs in a container by itself.
    for (const name of ['timeout', 'head']) await copyProgram(root, `/usr/bin/${name}`, name);
    await symlink('usr/bin', join(root, 'bin'));
    for (const folder of ['bot', 'state', 'query', 'var/the0', 'tmp', 'etc'])
      await mkdir(join(root, folder), { recursive: true });
    await importImage(root, reference);
    return reference;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function exists(reference: string): Promise<boolean> {
  const images = await docker.listImages({ filters: { reference: [reference] } });
  return images.length > 0;
}

/** With its libraries. */
async function copyProgram(root: string, path: string, name: string): Promise<void> {
  const program = await realpath(path);
  const { stdout } = await promisify(execFile)('ldd', [program]);
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await cp(program, join(root, 'usr/bin', name));
  for (const [library] of stdout.matchAll(/\/\S+\.so\S*/g)) {
    await mkdir(join(root, dirname(library)), { recursive: true });
    await cp(await realpath(library), join(root, library));
  }
}

async function importImage(root: string, reference: string): Promise<void> {
  const changes = [
    'ENTRYPOINT ["/usr/bin/node","/app/agent.js"]',
    'CMD ["execute"]',
    'ENV PATH=/usr/bin',
    `LABEL ${LABEL}`,
  ];
  const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [repo, tag] = reference.split(':');
  const stream = await docker.importImage(tar.stdout, { repo, tag, changes });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null) => (error ? reject(error) : resolve()));
  });
  await docker.pruneImages({ filters: { label: [LABEL], dangling: ['true'] } });
}
