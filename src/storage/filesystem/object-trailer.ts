import type { FileHandle } from 'node:fs/promises';
import { MOST_METADATA_BYTES } from '../object-metadata.ts';

/**
 * An object's file is its content and, in the last 4 KiB, what else is known of it: one file, so that both change at once
 * and whoever has it open reads one version to its end.
 *
 *   <content> {"format":1,"etag":…,"contentType":…,"metadata":{…}}<blanks to 4,096 bytes>
 */
export const TRAILER_BYTES = 4096;
export const TRAILER_FORMAT = 1;

export interface Trailer {
  readonly etag: string;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

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
  const value = parseObject(buffer.toString('utf8', 0, bytesRead));
  const { format, etag, contentType, metadata } = value;
  if (typeof format === 'number' && format > TRAILER_FORMAT) {
    return `it was written by a newer version (format ${format}, this one knows ${TRAILER_FORMAT})`;
  }
  const known = format === TRAILER_FORMAT && typeof etag === 'string' && typeof contentType === 'string';
  if (!known || etag === '' || !isTexts(metadata)) {
    return 'its file is damaged: no format number, ETag and metadata at its end';
  }
  return { etag, contentType, metadata };
}

/** Empty when this is no JSON object. By hand, for the agent's sake: it brings no packages. */
function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {}; // The caller says that it is damaged.
  }
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
}
