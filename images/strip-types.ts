import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { BuildError } from './docker-cli.ts';

/** A file of ours that is imported, or is the start of a thread. */
const SPECIFIER = /(?<=['"])(\.{1,2}\/[^'"\n]+)\.ts(?=['"])/g;

/**
 * Turns all sources below `folder` from TypeScript into the JavaScript they are without their types: what Node would do
 * at every start, for which each process and each of its threads loads a compiler (30 MB, a quarter of a second). Types become
 * blanks, so lines and columns in errors are those of the sources.
 * @throws BuildError when one imports a file that is not there, though its folder at the top is
 */
export function stripTypesBelow(folder: string): void {
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
  const typed = sources.filter((path) => path.endsWith('.ts'));
  for (const path of typed) {
    writeFileSync(
      path.replace(/\.ts$/, '.js'),
      withJavaScriptImports(stripTypeScriptTypes(readFileSync(path, 'utf8'))),
    );
    rmSync(path);
  }
  for (const path of sources.filter((source) => source.endsWith('.cjs'))) {
    writeFileSync(path, withJavaScriptImports(readFileSync(path, 'utf8')));
  }
  for (const path of typed) checkImports(path.replace(/\.ts$/, '.js'), folder);
}

function withJavaScriptImports(code: string): string {
  return code.replace(SPECIFIER, '$1.js');
}

function checkImports(path: string, folder: string): void {
  for (const [, specifier = ''] of readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    const imported = join(dirname(path), specifier);
    // What the image leaves out as a whole, like images/, is not asked for there.
    const [part = ''] = relative(folder, imported).split(sep);
    if (existsSync(join(folder, part)) && !existsSync(imported))
      throw new BuildError(`${path} imports ${specifier}, which is not there`);
  }
}
