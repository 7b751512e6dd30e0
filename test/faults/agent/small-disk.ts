import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Point } from './point.ts';

const run = promisify(execFile);
const SIZE_MIB = 24;
const BLOCKS = [1024 * 1024, 4_096] as const;

/** A small disk at this path, so that it can be full without anybody else's being so. */
export interface SmallDisk {
  fill(): Promise<void>;
  free(): Promise<void>;
}

/** Needs root. Gone with the point. */
export async function mountSmallDisk(point: Point, path: string): Promise<SmallDisk> {
  mkdirSync(path, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'tmpfs', path]);
  point.after(async () => void (await run('umount', ['-l', path])));
  const filler = join(path, 'filler');
  return {
    async fill() {
      for (const block of BLOCKS) untilFull(() => appendFileSync(filler, Buffer.alloc(block)));
    },
    async free() {
      rmSync(filler, { force: true });
    },
  };
}

function untilFull(write: () => void): void {
  try {
    for (;;) write();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}
