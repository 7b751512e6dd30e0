import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Part } from '../parts.ts';
import { atMost } from '../report.ts';
import { withScene } from './scene.ts';

const MiB = 1024 * 1024;
const BAR_MB = 40;
const FEW_LARGE = 4;
const MANY_SMALL = 1_000;

/** A state of 2 GB, stored for the first time and restored: half of it in four files, half in a thousand. */
export const memory: Part = async (short) => {
  const totalBytes = (short ? 200 : 2_000) * 1_000_000;
  return await withScene(async ({ directory, syncer }) => {
    const [source, target] = [join(directory, 'source'), join(directory, 'target')];
    mkdirSync(source);
    for (let index = 0; index < FEW_LARGE; index++) fill(join(source, `large-${index}`), totalBytes / 2 / FEW_LARGE);
    for (let index = 0; index < MANY_SMALL; index++) fill(join(source, `small-${index}`), totalBytes / 2 / MANY_SMALL);

    const storing = await (await syncer()).askAndWeigh({ do: 'sync', bot: 'bot', directory: source, only: null });
    const restoring = await (await syncer()).askAndWeigh({ do: 'restore', bot: 'bot', directory: target });
    if (storing.said !== 'uploaded' || restoring.said !== 'restored') throw new Error('not all of it was done');
    const size = `${(totalBytes / 1_000_000).toLocaleString('en-US')} MB`;
    const seconds = (ms: number) => `${(ms / 1000).toFixed(0)} s`;
    return {
      rows: [
        atMost(
          `storing a state of ${size}: private memory above idle, at most`,
          storing.extraBytes / 1_000_000,
          BAR_MB,
          'MB',
        ),
        atMost(`restoring it: the same`, restoring.extraBytes / 1_000_000, BAR_MB, 'MB'),
      ],
      notes: [
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
