import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['src/agent', 'src/storage', 'actors'];

/** What the bundler makes of a module of Node's that is loaded late: a copy of it at each call, 60 kB of garbage. */
const COPIED_MODULE = /\b[\w$]+\((require\("node:[\w/]+"\)),1\)/g;

/**
 * Makes the agent one file that any Node 20 or newer runs without anything beside it (about 50 ms; nothing is done when
 * `outFile` was made from the same sources).
 * @returns `outFile`
 * @throws the bundler's error when the sources do not build, or the file system's
 */
export async function bundleAgent(outFile: string): Promise<string> {
  const digest = `// sources ${sourceDigest()}\n`;
  if (startsWith(outFile, digest)) return outFile;
  const result = await build({
    entryPoints: [join(PROJECT, 'src/agent/main.ts')],
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // Modules of Node's that are loaded late are required: `import` brings its whole loader, 200 kB and 4 ms.
    supported: { 'dynamic-import': false },
    write: false,
    legalComments: 'none',
    define: { THE0_AGENT_VERSION: JSON.stringify(projectVersion()) },
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error('the bundler made no file');
  mkdirSync(dirname(outFile), { recursive: true });
  // Two runtimes may do this at once: each writes its own file, and the last one stays.
  const temporary = `${outFile}.${process.pid}.tmp`;
  writeFileSync(temporary, digest + output.text.replaceAll(COPIED_MODULE, '$1'));
  renameSync(temporary, outFile);
  return outFile;
}

/** The version in package.json. */
export function projectVersion(): string {
  const value: unknown = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  if (typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'string') {
    return value.version;
  }
  throw new Error('package.json names no version');
}

function sourceDigest(): string {
  // This file too: it decides how they are put together.
  const hash = createHash('sha256')
    .update(projectVersion())
    .update(readFileSync(fileURLToPath(import.meta.url)));
  for (const folder of SOURCES) {
    for (const name of readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(PROJECT, folder, name);
      if (statSync(path).isFile()) hash.update(name).update(readFileSync(path));
    }
  }
  return hash.digest('hex');
}

function startsWith(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8').startsWith(text);
  } catch {
    return false; // not there yet
  }
}
