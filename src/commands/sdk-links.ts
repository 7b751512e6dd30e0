import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Lays the SDKs out as in the image (`<sdk>/python`, `<sdk>/nodejs/node_modules/…`), by links to their sources, so that
 * bots of the process engine find them in the same way, in {@link sdkFolder}.
 */
export function linkSdks(sources: string, cache: string): void {
  const folder = sdkFolder(cache);
  const links = {
    [join(folder, 'python')]: join(sources, 'python'),
    [join(folder, 'nodejs/node_modules/@alexanderwanyoike/the0-node')]: join(sources, 'nodejs'),
  };
  for (const [link, target] of Object.entries(links)) {
    mkdirSync(dirname(link), { recursive: true });
    // Made anew at each start: the sources may have moved.
    rmSync(link, { force: true, recursive: true });
    symlinkSync(target, link);
  }
}

export function sdkFolder(cache: string): string {
  return join(cache, 'sdk');
}
