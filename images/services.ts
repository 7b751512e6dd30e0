import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { BuildError } from './docker-cli.ts';
import { stripTypesBelow } from './strip-types.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/**
 * How the launcher starts them, for whoever measures them outside the image. Both are about memory that is only ever empty: of
 * V8's young generation, and of the C library's pool for each thread.
 */
export const SERVICE_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=4'];
export const SERVICE_ENV: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };

/** What only development and the `process` engine need; the image has Node itself already. */
const LEFT_OUT =
  /^node_modules\/(esbuild|@esbuild\/.*|typescript|@typescript\/.*|@types\/.*|node-(bin-)?(linux|darwin)-.*)$/;

/** Of packages: what only people and compilers read. Sources in TypeScript are not run from there (Node refuses to). */
const NEVER_READ = /\.(map|[cm]?ts|md|markdown)$/;
const LICENCE = /\/(licen[cs]e|notice|copying)[^/]*$/i;

/**
 * Copies the runtime's own programs (bot-runner and the like) to `sources`, without their types. The packages they use go to
 * `packages`: they change less often, so the image has them in a layer of their own.
 * @throws BuildError when the packages are not installed
 */
export function copyServices(sources: string, packages: string): void {
  mkdirSync(sources, { recursive: true });
  for (const part of ['package.json', 'src', 'actors', 'LICENSE']) {
    cpSync(join(PROJECT, part), join(sources, part), { recursive: true });
  }
  stripTypesBelow(sources);
  for (const folder of productionPackages()) {
    const target = join(packages, folder.slice('node_modules/'.length));
    cpSync(join(PROJECT, folder), target, { recursive: true, filter: isUsed });
  }
}

/** Folders below the project, as the lock file has them. */
function productionPackages(): string[] {
  const lock: unknown = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8'));
  const entries = Object.entries(v.parse(LOCK, lock).packages);
  const folders = entries
    .filter(
      ([folder, { dev, devOptional, optional }]) =>
        folder !== '' && !dev && !devOptional && !optional && !LEFT_OUT.test(folder),
    )
    .map(([folder]) => folder);
  const missing = folders.find((folder) => !existsSync(join(PROJECT, folder)));
  if (missing !== undefined) throw new BuildError(`${missing} is not installed here: run npm ci`);
  return folders.sort();
}

const FLAG = v.optional(v.boolean(), false);
const LOCK = v.object({
  packages: v.record(v.string(), v.object({ dev: FLAG, devOptional: FLAG, optional: FLAG })),
});

function isUsed(path: string): boolean {
  return isOfThisPlatform(path) && (!NEVER_READ.test(path) || LICENCE.test(path));
}

/** The web server comes for every platform and version of Node in one package: 130 MB. */
function isOfThisPlatform(path: string): boolean {
  const binary = /\/uws_([a-z0-9]+)_([a-z0-9]+)_(\d+)\.node$/.exec(path);
  if (binary === null) return true;
  return binary[1] === 'linux' && binary[2] === process.arch && binary[3] === NODE_22_ABI;
}

const NODE_22_ABI = '127';
