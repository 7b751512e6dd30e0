/**
 * How far a local log has been sent. Bytes of a file that is rotated are counted on: `sentBytes` only grows, and of two
 * positions of one source the greater one is the later.
 */
export interface LogPosition {
  /** Made with the logs directory and gone with it: a container's memory file system starts empty, with numbers used again. */
  readonly source: string;
  readonly sentBytes: number;
  /** The file that holds the next byte, and where in it. */
  readonly inode: number;
  readonly offset: number;
}

const FORMAT = '1';
/** An old and a new container may write to one log; more writers than these are long gone. */
const MOST_SOURCES = 4;
const POSITION = /^([0-9a-f]{16}):(\d{1,15}):(\d{1,20}):(\d{1,15})$/;

/** `1 <source>:<sent>:<inode>:<offset> …`, the latest writer first: the metadata of a stored log. */
export function encodePositions(own: LogPosition, others: readonly LogPosition[]): string {
  const kept = others.filter(({ source }) => source !== own.source).slice(0, MOST_SOURCES - 1);
  return [FORMAT, ...[own, ...kept].map(encodePosition)].join(' ');
}

/** What cannot be read counts as not there: another program wrote the object, and our own file has the position too. */
export function decodePositions(text: string): LogPosition[] {
  const [format, ...words] = text.split(' ');
  if (format !== FORMAT) return [];
  return words.flatMap((word) => decodePosition(word) ?? []);
}

export function encodePosition({ source, sentBytes, inode, offset }: LogPosition): string {
  return `${source}:${sentBytes}:${inode}:${offset}`;
}

export function decodePosition(text: string): LogPosition | null {
  const [, source, sentBytes, inode, offset] = POSITION.exec(text) ?? [];
  if (source === undefined) return null;
  return { source, sentBytes: Number(sentBytes), inode: Number(inode), offset: Number(offset) };
}

export function latest(positions: readonly LogPosition[], source: string): LogPosition | null {
  const own = positions.filter((position) => position.source === source);
  return own.reduce<LogPosition | null>(
    (best, position) => (best === null || position.sentBytes > best.sentBytes ? position : best),
    null,
  );
}
