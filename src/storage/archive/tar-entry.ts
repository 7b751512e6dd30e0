/** What a tar says of one file, directory or symbolic link. */
export interface TarEntry {
  /** Relative to the root of what was archived, with `/`, without one at either end. */
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'link';
  /** Permission bits only. */
  readonly mode: number;
  /** Bytes of content; 0 unless it is a file. */
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  readonly uid: number;
  readonly gid: number;
  /** Where a link points to; empty otherwise. */
  readonly linkTarget: string;
}

export const BLOCK_BYTES = 512;

/** Zero bytes that fill content up to a whole number of blocks. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** Is it a name that stays in the directory? `a/b`, but not `/a`, `../a`, `a//b`, `.`. */
export function isInnerName(name: string): boolean {
  return !name.includes('\0') && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/**
 * Whether a symbolic link leads to something inside the root. Upward steps count only at the beginning: after another
 * part they may begin somewhere else than it looks, because that part may be a link.
 */
export function linkStaysInside(name: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const firstDown = parts.findIndex((part) => part !== '..');
  const up = firstDown === -1 ? parts.length : firstDown;
  return up < name.split('/').length && !parts.slice(up).includes('..');
}
