import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errno.ts';

/** Longer lines are not ours: skipped without being held in memory. */
const LONGEST_LINE_BYTES = 256 * 1024;
const READ_BYTES = 128 * 1024;
const NEWLINE = 0x0a;

/** Numbers of the segments in a journal's directory, oldest first. */
export async function listSegments(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => (/^\d+\.ndjson$/.test(name) ? [Number.parseInt(name, 10)] : [])).sort((a, b) => a - b);
}

export function segmentPath(directory: string, segment: number): string {
  return join(directory, `${String(segment).padStart(6, '0')}.ndjson`);
}

/** Deletes all segments up to `last`, oldest first: what is left after a crash has no gap. */
export async function deleteSegments(directory: string, last: number): Promise<void> {
  for (const segment of await listSegments(directory)) {
    if (segment <= last) await unlink(segmentPath(directory, segment));
  }
}

/**
 * Lines of a segment in order, a portion at a time, so that others have their turn while a large history is read.
 * A segment that was deleted meanwhile is empty.
 *
 * @param containing only lines with these bytes in them; cheap to say no to
 */
export async function* linesOfSegment(path: string, containing: string | null = null): AsyncGenerator<string[]> {
  const needle = containing === null ? null : Buffer.from(containing);
  const file = await openIfThere(path);
  if (file === null) return;
  try {
    const chunk = Buffer.allocUnsafe(READ_BYTES);
    let rest = Buffer.alloc(0);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, READ_BYTES);
      const end = bytesRead === 0 ? 0 : chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1;
      const whole = bytesRead === 0 ? rest : Buffer.concat(end === 0 ? [] : [rest, chunk.subarray(0, end)]);
      if (whole.length > 0 && (needle === null || whole.includes(needle))) {
        yield whole
          .toString('utf8')
          .split('\n')
          .filter((line) => line !== '' && (containing === null || line.includes(containing)));
      }
      if (bytesRead === 0) return;
      const unread = chunk.subarray(end, bytesRead);
      rest = end === 0 ? Buffer.concat([rest, unread]) : Buffer.from(unread);
      // What is cut off here does not parse any more; its end is a line that does not, either.
      if (rest.length > LONGEST_LINE_BYTES) rest = Buffer.alloc(0);
    }
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string) {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}
