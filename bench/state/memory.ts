import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Part } from '../parts.ts';
import { atMost } from '../report.ts';
import { withScene } from './scene.ts';

const MiB = 1024 * 1024;
const BAR_MB = 40;
/** Not the state's: that is on a disk beside it. What the kernel caches of files counts, but is given back. */
const CONTAINER_MEMORY_BYTES = 128 * MiB;
const FEW_LARGE = 4;
const MANY_SMALL = 1_000;

/**
 * A state of 2 GB, stored for the first time and restored: half of it in four files, half in a thousand. In a container that
 * would be ended if that took more memory than it has.
 */
export const memory: Part = async (short) => {
  const totalBytes = (short ? 200 : 2_000) * 1_000_000;
  return await withScene(async ({ directory, syncerIn }) => {
    const [source, target] = [join(directory, 'source'), join(directory, 'target')];
    mkdirSync(source);
    for (let index = 0; index < FEW_LARGE; index++) fill(join(source, `large-${index}`), totalBytes / 2 / FEW_LARGE);
    for (let index = 0; index < MANY_SMALL; index++) fill(join(source, `small-${index}`), totalBytes / 2 / MANY_SMALL);

    const storer = await syncerIn(CONTAINER_MEMORY_BYTES);
    const storing = await storer.askAndWeigh({ do: 'sync', bot: 'bot', directory: source, only: null });
    await storer.stop();
    const restorer = await syncerIn(CONTAINER_MEMORY_BYTES);
    const restoring = await restorer.askAndWeigh({ do: 'restore', bot: 'bot', directory: target });
    if (storing.said !== 'uploaded' || restoring.said !== 'restored') throw new Error('not all of it was done');
    const size = `${(totalBytes / 1_000_000).toLocaleString('en-US')} MB`;
    const megabytes = (bytes: number) => (bytes / 1_000_000).toFixed(1);
    const seconds = (ms: number) => `${(ms / 1000).toFixed(0)} s`;
    return {
      rows: [
        atMost(
          `storing a state of ${size} in a container of 128 MiB: private memory above idle, at most`,
          storing.extraBytes / 1_000_000,
          BAR_MB,
          'MB',
        ),
        atMost(`restoring it: the same`, restoring.extraBytes / 1_000_000, BAR_MB, 'MB'),
      ],
      notes: [
        `A container of ${CONTAINER_MEMORY_BYTES / MiB} MiB, without swap, with the state on a disk. Idle it has ${megabytes(storing.idleBytes)} MB of private memory; at most ${megabytes(storing.idleBytes + storing.extraBytes)} MB while it stores, ${megabytes(restoring.idleBytes + restoring.extraBytes)} MB while it restores.`,
        `Storing took ${seconds(storing.ms)}, ${seconds(storing.cpuMs)} CPU, ${storing.sentBytes.toLocaleString('en-US')} bytes sent and ${storing.copiedBytes.toLocaleString('en-US')} copied in the store; restoring ${seconds(restoring.ms)}, ${seconds(restoring.cpuMs)} CPU. Content that does not compress.`,
      ],
    };
  });
};

/** Not worth compressing, and quickly made. */
function fill(path: string, bytes: number): void {
  const block = randomBytes(MiB);
  const file = openSync(path, 'w');
  try {
    for (let done = 0; done < bytes; done += block.length)
      writeSync(file, block, 0, Math.min(block.length, bytes - done));
  } finally {
    closeSync(file);
  }
}
