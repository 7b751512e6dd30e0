import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildError, canPull, hasImage, run, step } from './docker-cli.ts';

export type ImageTarget = 'slim' | 'full';

/** Contract 0: C++ bots need its libstdc++. */
export const UBUNTU = 'ubuntu:24.04';
/** Made here, where no image registry is reached. Debian 12 has Python 3.11, which bots expect. */
export const BASE_IMAGE = 'the0-base:bookworm';
const DEBIAN = 'debian:bookworm-slim';
const PACKAGES = 'python3,tini,curl,ca-certificates';

/**
 * What to build, and on what, when the caller leaves it open.
 * @throws BuildError when there is no base and none can be made
 */
export async function chooseBase(
  target: ImageTarget | null,
  base: string | undefined,
): Promise<{ readonly target: ImageTarget; readonly base: string }> {
  if (base !== undefined) return { target: target ?? 'slim', base };
  if (target !== 'slim' && ((await hasImage(UBUNTU)) || (await canPull(UBUNTU))))
    return { target: 'full', base: UBUNTU };
  if (target === 'full') {
    throw new BuildError(`${UBUNTU} is neither here nor can it be pulled; --target slim builds without it`);
  }
  if (target === null) step(`${UBUNTU} cannot be had: building "slim", for Python and Node bots only`);
  if (await hasImage(BASE_IMAGE)) return { target: 'slim', base: BASE_IMAGE };
  if (await canDebootstrap()) {
    await makeDebianBase();
    return { target: 'slim', base: BASE_IMAGE };
  }
  if ((await hasImage(DEBIAN)) || (await canPull(DEBIAN))) return { target: 'slim', base: DEBIAN };
  throw new BuildError(
    `there is no base image: ${DEBIAN} cannot be pulled, and making one needs Linux, root and debootstrap\n` +
      '  as root: apt-get install -y debootstrap && npm run image\n' +
      '  or name an image of Debian 12: npm run image -- --base IMAGE',
  );
}

async function canDebootstrap(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  try {
    await run('debootstrap', ['--version'], { quiet: true });
    return true;
  } catch {
    return false; // not installed: the caller has another way and says which
  }
}

/** Once per machine, well under a minute. With its packages in place, nothing has to be fetched inside `docker build`. */
async function makeDebianBase(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'the0-base-'));
  try {
    step(`Making ${BASE_IMAGE} with debootstrap, once (about 40 s)`);
    const root = join(directory, 'root');
    await run('debootstrap', ['--variant=minbase', `--include=${PACKAGES}`, 'bookworm', root], { quiet: true });
    // What no container needs: package caches, manuals.
    const unneeded = [
      'var/cache/apt',
      'var/lib/apt/lists',
      'var/log',
      'usr/share/doc',
      'usr/share/man',
      'usr/share/locale',
    ];
    for (const folder of unneeded) await run('find', [join(root, folder), '-type', 'f', '-delete'], { quiet: true });
    const archive = join(directory, 'root.tar');
    await run('tar', ['-C', root, '-cf', archive, '.']);
    await run('docker', ['import', archive, BASE_IMAGE], { quiet: true });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
