import type { FileHandle } from 'node:fs/promises';
import * as v from 'valibot';
import { MOST_METADATA_BYTES } from '../object-metadata.ts';

/**
 * An object's file is its content and, in the last 4 KiB, what else is known of it: one file, so that both change at once
 * and whoever has it open reads one version to its end.
 *
 *   <content> {"format":1,"etag":…,"contentType":…,"metadata":{…}}<blanks to 4,096 bytes>
 */
export const TRAILER_BYTES = 4096;
export const TRAILER_FORMAT = 1;

const anyFormat = v.object({ format: v.number() });
const trailerSchema = v.object({
  format: v.literal(TRAILER_FORMAT),
  etag: v.pipe(v.string(), v.minLength(1)),
  contentType: v.string(),
  metadata: v.record(v.string(), v.string()),
});

export type Trailer = Omit<v.InferOutput<typeof trailerSchema>, 'format'>;

export function encodeTrailer(trailer: Trailer): Buffer {
  const text = JSON.stringify({ format: TRAILER_FORMAT, ...trailer });
  // Metadata are bounded; quotes and backslashes in them take two bytes.
  if (Buffer.byteLength(text) > TRAILER_BYTES) {
    throw new RangeError(`metadata of at most ${MOST_METADATA_BYTES} bytes do not fit`);
  }
  return Buffer.from(text.padEnd(TRAILER_BYTES - (Buffer.byteLength(text) - text.length)));
}

/** @returns a sentence when it cannot be read */
export async function readTrailer(file: FileHandle, fileBytes: number): Promise<Trailer | string> {
  if (fileBytes < TRAILER_BYTES) return 'its file is damaged: too short';
  const buffer = Buffer.alloc(TRAILER_BYTES);
  const { bytesRead } = await file.read(buffer, 0, TRAILER_BYTES, fileBytes - TRAILER_BYTES);
  const value = parse(buffer.toString('utf8', 0, bytesRead));
  const any = v.safeParse(anyFormat, value);
  if (any.success && any.output.format > TRAILER_FORMAT) {
    return `it was written by a newer version (format ${any.output.format}, this one knows ${TRAILER_FORMAT})`;
  }
  const known = v.safeParse(trailerSchema, value);
  return known.success ? known.output : 'its file is damaged: no format number, ETag and metadata at its end';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller says that it is damaged.
  }
}
