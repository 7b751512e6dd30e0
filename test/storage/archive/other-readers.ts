import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a reader finds, in the order of the archive where it has one. */
export interface Listed {
  readonly name: string;
  readonly type: '0' | '2' | '5';
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly target: string;
  readonly sha256: string;
}

const FIXTURES = join(import.meta.dirname, 'fixtures');

/** Null: there is no such program here. */
function output(program: string, args: readonly string[], input: Buffer, cwd?: string): string | null {
  const done = spawnSync(program, args, { input, cwd, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (done.error !== undefined) {
    if ('code' in done.error && done.error.code === 'ENOENT') return null;
    throw done.error;
  }
  if (done.status !== 0) throw new Error(`${program} ended with ${done.status}: ${done.stderr}`);
  return done.stdout;
}

function isListed(value: unknown): value is Listed {
  return typeof value === 'object' && value !== null && 'name' in value && 'sha256' in value;
}

function parsed(lines: string): Listed[] {
  const values = lines
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  return values.filter(isListed);
}

export function listWithPython(archive: Buffer): Listed[] | null {
  const lines = output('python3', [join(FIXTURES, 'list-archive.py')], archive);
  return lines === null ? null : parsed(lines);
}

let goProgram: string | null = null;

/** Also sees that nothing comes after the end of the tar. */
export function listWithGo(archive: Buffer): Listed[] | null {
  if (goProgram === null) {
    const directory = mkdtempSync(join(tmpdir(), 'the0-go-'));
    process.once('exit', () => rmSync(directory, { recursive: true }));
    const program = join(directory, 'read-archive');
    const source = join(FIXTURES, 'read-archive', 'main.go');
    if (output('go', ['build', '-o', program, source], Buffer.alloc(0)) === null) return null;
    goProgram = program;
  }
  const lines = output(goProgram, [], archive);
  if (lines === null) return null;
  if (!lines.endsWith('{"after":0}\n')) throw new Error('something comes after the end of the tar');
  return parsed(lines);
}

/** What GNU tar writes into an empty directory; null when it is not here. Sees that gzip finds no fault, too. */
export function extractWithTar(archive: Buffer): Listed[] | null {
  const directory = mkdtempSync(join(tmpdir(), 'the0-tar-'));
  try {
    if (output('gzip', ['-t'], archive) === null) return null;
    if (output('tar', ['-xzpf', '-'], archive, directory) === null) return null;
    return listTree(directory);
  } finally {
    spawnSync('chmod', ['-R', 'u+rwX', directory]);
    rmSync(directory, { recursive: true });
  }
}

/** The tree below a directory, in the order of names; each directory before what is in it. */
export function listTree(root: string, directory = ''): Listed[] {
  return readdirSync(join(root, directory))
    .sort()
    .flatMap((child) => {
      const name = directory === '' ? child : `${directory}/${child}`;
      const path = join(root, name);
      const stat = lstatSync(path);
      const common = { name, mode: stat.mode & 0o777, mtime: Math.floor(stat.mtimeMs / 1000) };
      if (stat.isSymbolicLink()) {
        return [
          { ...common, type: '2' as const, size: 0, target: readlinkSync(path), sha256: sha256(Buffer.alloc(0)) },
        ];
      }
      if (stat.isDirectory()) {
        const own = { ...common, type: '5' as const, size: 0, target: '', sha256: sha256(Buffer.alloc(0)) };
        return [own, ...listTree(root, name)];
      }
      return [{ ...common, type: '0' as const, size: stat.size, target: '', sha256: sha256(readFileSync(path)) }];
    });
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
