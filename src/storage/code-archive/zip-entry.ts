import { CodeArchiveError, damaged } from './archive-error.ts';

/** One entry as the archive's directory has it. */
export interface ZipEntry {
  readonly name: Buffer;
  /** What kind of system made it; decides what `attributes` mean. */
  readonly host: number;
  readonly flags: number;
  readonly method: number;
  readonly crc32: number;
  readonly attributes: number;
  readonly sizeBytes: number;
  readonly compressedBytes: number;
  /** Where the entry begins in the archive. */
  readonly headerFrom: number;
}

/** An entry that may be unpacked. */
export interface CodeEntry extends ZipEntry {
  readonly kind: 'file' | 'folder';
  /** Relative, with `/`; without one at the end. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
}

export const STORED = 0;
export const DEFLATED = 8;

/** Encrypted, also strongly and with a masked directory. */
export const ENCRYPTED = 0x0001 | 0x0040 | 0x2000;
const PATCH = 0x0020;

const UNIX_HOSTS = [3, 19];
const TYPE_BITS = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;
const OTHER_KINDS: ReadonlyMap<number, string> = new Map([
  [0o120000, 'a link'],
  [0o060000, 'a device'],
  [0o020000, 'a device'],
  [0o010000, 'a pipe'],
  [0o140000, 'a socket'],
]);

const LONGEST_NAME_BYTES = 1024;
/** What begins so is the agent's own in a code directory. */
export const RESERVED = '.the0-code';

/** @throws CodeArchiveError `unsafe`, `unsupported` or `damaged` */
export function codeEntry(entry: ZipEntry): CodeEntry {
  const name = nameOf(entry.name);
  if ((entry.flags & ENCRYPTED) !== 0) throw unsupported('is encrypted');
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw unsupported(`compresses ${shown(name)} in a way that is not known (method ${entry.method})`);
  }
  if ((entry.flags & PATCH) !== 0) throw unsupported(`holds ${shown(name)} as a patch`);
  if (entry.method === STORED && entry.sizeBytes !== entry.compressedBytes) {
    throw damaged(`contradicts itself about the size of ${shown(name)}`);
  }
  const kind = kindOf(entry, name);
  if (kind === 'folder' && entry.sizeBytes > 0) throw damaged(`holds ${shown(name)} as a folder with content`);
  return { ...entry, kind, path: pathOf(name), mode: modeOf(entry, kind) };
}

function nameOf(bytes: Buffer): string {
  if (bytes.length > LONGEST_NAME_BYTES) throw unsafe(`has a name of more than ${LONGEST_NAME_BYTES} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CodeArchiveError('unsafe', `has a name that is not UTF-8: ${shown(bytes.toString('latin1'))}`, { cause });
  }
}

/** The type is in the mode where there is one, and is a folder's only when the name says so too. */
function kindOf({ attributes }: ZipEntry, name: string): CodeEntry['kind'] {
  const type = (attributes >>> 16) & TYPE_BITS;
  const kind = name.endsWith('/') ? 'folder' : 'file';
  if (type === 0 || type === (kind === 'folder' ? FOLDER : REGULAR)) return kind;
  if (type === REGULAR || type === FOLDER) throw unsafe(`says of ${shown(name)} both that it is a file and a folder`);
  throw unsafe(
    `has ${shown(name)}, which is ${OTHER_KINDS.get(type) ?? 'no file'}: only files and folders can be code`,
  );
}

/** Its owner can always read what is unpacked, and go into folders; bits beyond permissions are dropped. */
function modeOf({ host, attributes }: ZipEntry, kind: CodeEntry['kind']): number {
  const given = UNIX_HOSTS.includes(host) ? (attributes >>> 16) & 0o777 : 0;
  if (kind === 'folder') return (given || 0o755) | 0o700;
  return (given || 0o644) | 0o400;
}

/** @returns the path without `.` and doubled slashes, which some tools write */
function pathOf(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(name)) throw unsafe(`has a name with control characters: ${shown(name)}`);
  if (name.includes('\\')) throw unsafe(`has a name with a backslash: ${shown(name)}`);
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw unsafe(`has an absolute name: ${shown(name)}`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw unsafe(`has a name that leads out of the code: ${shown(name)}`);
  const [first] = parts;
  if (first === undefined) throw unsafe(`has an entry without a name`);
  if (first.startsWith(RESERVED)) throw unsafe(`has the name ${shown(name)}, which the agent needs for itself`);
  return parts.join('/');
}

/** In quotes, escaped and cut: a name out of an archive may be anything. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

function unsafe(message: string): CodeArchiveError {
  return new CodeArchiveError('unsafe', message);
}

export function unsupported(message: string): CodeArchiveError {
  return new CodeArchiveError('unsupported', message);
}
