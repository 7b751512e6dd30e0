import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';

/** `nobody`, on any Linux. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
const MOST_OUTPUT_BYTES = 2 ** 28;
/** Such a user need not be able to read what a test run loads into every Node. */
const env = { ...process.env, NODE_OPTIONS: '' };

/** Runs a program as a user who is not root, and whose files get just the modes that were asked for. @throws when it fails */
export function runUnprivileged(program: string, args: readonly string[], input: Buffer, cwd?: string): string {
  const done = spawnSync('/bin/sh', ['-c', 'umask 0 && exec "$@"', 'sh', program, ...args], {
    ...identity,
    env,
    input,
    cwd,
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT_BYTES,
  });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) throw new Error(`${program} ended with ${done.status}: ${done.stderr}`);
  return done.stdout;
}

/** The first program of that name which such a user may run; null: there is none. */
export function findUnprivileged(
  name: string,
  probe: readonly string[],
  places: readonly string[] = [],
): string | null {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...places];
  return directories.map((place) => join(place, name)).find((program) => mayRun(program, probe)) ?? null;
}

export function mayRun(program: string, probe: readonly string[]): boolean {
  return spawnSync(program, [...probe], { ...identity, env, stdio: 'ignore', cwd: '/' }).status === 0;
}

/** Calls `use` with an empty directory that belongs to that user, and removes it. */
export function inDirectoryOfNobody<Result>(use: (directory: string) => Result): Result {
  const directory = mkdtempSync(join(tmpdir(), 'the0-reader-'));
  try {
    chmodSync(directory, 0o755);
    if (isRoot) chownSync(directory, NOBODY, NOBODY);
    return use(directory);
  } finally {
    spawnSync('chmod', ['-R', 'u+rwX', directory]);
    rmSync(directory, { recursive: true });
  }
}
