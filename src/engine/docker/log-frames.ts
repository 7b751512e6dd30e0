const HEADER_BYTES = 8;

/**
 * The text in an answer of Docker's log API. Without a terminal every write of the container comes in a frame:
 *
 *     | stream (1) | 0 0 0 | length (4, big-endian) | bytes … |
 */
export function framesOf(log: Buffer): string {
  const parts: Buffer[] = [];
  let offset = 0;
  while (offset + HEADER_BYTES <= log.length) {
    const start = offset + HEADER_BYTES;
    const end = start + log.readUInt32BE(offset + 4);
    parts.push(log.subarray(start, end));
    offset = end;
  }
  return Buffer.concat(parts).toString('utf8');
}
