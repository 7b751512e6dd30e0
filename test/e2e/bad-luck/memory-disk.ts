import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Scene } from './scene.ts';

const run = promisify(execFile);
const SIZE_MIB = 24;

/** A small disk of its own at this path, so that it can be full without anybody else's being so. */
export interface MemoryDisk {
  fill(): Promise<void>;
  /** Takes back what filled it. */
  free(): Promise<void>;
}

/** Needs root. Gone with the row. */
export async function mountMemory(scene: Scene, path: string, mode: 'ro' | 'rw'): Promise<MemoryDisk> {
  await mkdir(path);
  await run('mount', ['-t', 'tmpfs', '-o', `${mode},size=${SIZE_MIB}m`, 'tmpfs', path]);
  // Lazily: whatever of a failed row still has a file open there must not keep it mounted for ever.
  scene.after(async () => void (await run('umount', ['-l', path])));
  const filler = join(path, '.filler');
  return {
    async fill() {
      const file = await open(filler, 'a');
      try {
        for (const block of [1024 * 1024, 4096]) {
          await writeUntilFull(() => file.appendFile(Buffer.alloc(block)));
        }
      } finally {
        await file.close();
      }
    },
    async free() {
      await rm(filler, { force: true });
    },
  };
}

async function writeUntilFull(write: () => Promise<void>): Promise<void> {
  try {
    for (;;) await write();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}
