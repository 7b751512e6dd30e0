import { dirname, join } from 'node:path';

/**
 * Where an object's file is:
 *
 *   <root>/<bucket>/logs/b1/20260401.log%object
 *
 * Each segment of the key is a directory, the last one a file. Letters, digits, `_`, `-` and inner dots stand for
 * themselves; every other byte is `%2e`, so a key cannot name anything above, a key may end where another goes on, and
 * keys that differ in case differ where file names do not. A bare `%` begins what is ours.
 */
export const OBJECT = '%object';
export const LOCK = '%lock';
export const TEMPORARY = '%tmp-';
/** A file in a directory that must stay although it is empty, because it is mounted somewhere. */
export const KEEP = '%keep';
/** A segment too long for one name goes on in a directory: `<part>%more/<rest>`. */
const MORE = '%more';
/** An empty segment, or an empty rest. */
const EMPTY = '%empty';
/** Each may take three characters; names have at most 255 on every file system. */
const PART_BYTES = 75;

/** Directories and the last name, relative to the bucket's directory. @param key not empty */
export function objectPath(key: string): string {
  return `${segmentPath(key)}${OBJECT}`;
}

/** The directory that holds all keys that begin with `prefix`, which ends in a slash. */
export function directoryPath(prefix: string): string {
  return segmentPath(prefix.replace(/\/$/, ''));
}

export function lockPath(objectFile: string): string {
  return objectFile.slice(0, -OBJECT.length) + LOCK;
}

export function temporaryPath(objectFile: string, unique: string): string {
  return join(dirname(objectFile), `${TEMPORARY}${unique}`);
}

function segmentPath(key: string): string {
  return key.split('/').map(encodeSegment).join('/');
}

function encodeSegment(segment: string): string {
  const bytes = Buffer.from(segment);
  const parts: string[] = [];
  // A full part always has a rest, so that a directory's order never depends on where a segment was cut.
  for (let from = 0; ; from += PART_BYTES) {
    const part = bytes.subarray(from, from + PART_BYTES);
    if (part.length < PART_BYTES) {
      parts.push(part.length === 0 ? EMPTY : encodeBytes(part));
      return parts.join('/');
    }
    parts.push(encodeBytes(part) + MORE);
  }
}

function encodeBytes(bytes: Buffer): string {
  let text = '';
  for (const [index, byte] of bytes.entries()) {
    const character = String.fromCharCode(byte);
    const plain = /[a-z0-9_-]/.test(character) || (character === '.' && index > 0);
    text += plain ? character : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}

/** What a name in a bucket's directory stands for; `bytes` is a piece of the key, one character per byte. */
export interface StoredName {
  readonly kind: 'object' | 'directory';
  readonly bytes: string;
}

/** @returns null for what is no part of a key: locks, unfinished files, and whatever else somebody put there */
export function readName(name: string, isDirectory: boolean): StoredName | null {
  if (!isDirectory) {
    return name.endsWith(OBJECT) ? named('object', name.slice(0, -OBJECT.length), '') : null;
  }
  return name.endsWith(MORE) ? named('directory', name.slice(0, -MORE.length), '') : named('directory', name, '/');
}

function named(kind: StoredName['kind'], encoded: string, end: string): StoredName | null {
  if (encoded === EMPTY) return { kind, bytes: end };
  if (!/^(?:[a-z0-9_.-]|%[0-9a-f]{2})+$/.test(encoded)) return null;
  const bytes = encoded.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { kind, bytes: bytes + end };
}
