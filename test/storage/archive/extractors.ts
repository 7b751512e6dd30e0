import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Listed, listTree } from './other-readers.ts';
import { findUnprivileged, inDirectoryOfNobody, mayRun, runUnprivileged } from './unprivileged.ts';

/** A program that is not ours and extracts archives. */
export interface Extractor {
  readonly name: string;
  /** Extracts into an empty directory, as a user who is not root. @returns what is there then @throws when it finds a fault */
  readonly extract: (archive: Buffer) => Listed[];
  /** Whether it makes symbolic links. */
  readonly makesLinks: boolean;
}

export interface MissingExtractor {
  readonly name: string;
  /** Why it is not here. */
  readonly missing: string;
}

const FIXTURES = join(import.meta.dirname, 'fixtures');

/** All that a bot's state must be good for (contract 4.4, 4.5). */
export function extractors(): readonly (Extractor | MissingExtractor)[] {
  return [gnuTar(), goRuntime(), pythonTarfile(), npmTar()];
}

function extractor(name: string, program: string, args: readonly string[], makesLinks = true): Extractor {
  const extract = (archive: Buffer) =>
    inDirectoryOfNobody((directory) => {
      runUnprivileged(program, args, archive, directory);
      return listTree(directory);
    });
  return { name, extract, makesLinks };
}

function gnuTar(): Extractor | MissingExtractor {
  const name = 'GNU tar';
  const program = findUnprivileged('tar', ['--version']);
  if (program === null || findUnprivileged('gzip', ['--version']) === null)
    return { name, missing: 'needs tar and gzip' };
  return extractor(name, program, ['-xzpf', '-']);
}

/** Extracts as the Go runtime does, which skips links. */
function goRuntime(): Extractor | MissingExtractor {
  const name = "Go's archive/tar";
  const compiler = ['go', '/usr/local/go/bin/go'].find((go) => spawnSync(go, ['version']).status === 0);
  if (compiler === undefined) return { name, missing: 'needs go' };
  const directory = mkdtempSync(join(tmpdir(), 'the0-go-'));
  process.once('exit', () => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  const program = join(directory, 'extract-archive');
  const source = join(FIXTURES, 'extract-archive', 'main.go');
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' };
  const built = spawnSync(compiler, ['build', '-o', program, source], { env, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`go build ended with ${built.status}: ${built.stderr}`);
  return extractor(name, program, [], false);
}

function pythonTarfile(): Extractor | MissingExtractor {
  const name = "Python's tarfile";
  const program = findUnprivileged('python3', ['-c', ''], ['/usr/bin']);
  if (program === null) return { name, missing: 'needs a python3 that anybody may run' };
  return extractor(name, program, ['-c', readFileSync(join(FIXTURES, 'extract-archive.py'), 'utf8')]);
}

/** What the API reads a state with. */
function npmTar(): Extractor | MissingExtractor {
  const name = 'tar from npm';
  const args = [join(FIXTURES, 'extract-archive.ts')];
  if (!mayRun(process.execPath, [...args, '--probe'])) {
    return { name, missing: 'needs this folder, and Node, where anybody may read them' };
  }
  return extractor(name, process.execPath, args);
}
