import { readFileSync } from 'node:fs';

/** `<from>-<to> rw-s <offset> <major>:<minor> <inode>   <path>` */
const SHARED_WRITABLE = /^\S+ .w.s \S+ \S+ ([1-9]\d*)/gm;

/**
 * Inodes of the files that these processes have mapped to write together: what they store there changes no time stamp.
 * A process that has ended, or is another user's, has none. Empty where there is no /proc.
 *
 * Without their devices: file systems in layers (overlayfs, btrfs) show another device there than `lstat` does. A file with
 * the inode of one that is mapped on another device is only looked at more often than it need be.
 */
export function sharedMappings(pids: Iterable<number>): Set<number> {
  const inodes = new Set<number>();
  for (const pid of pids) {
    for (const [, inode] of mapsOf(pid).matchAll(SHARED_WRITABLE)) inodes.add(Number(inode));
  }
  return inodes;
}

function mapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'latin1');
  } catch {
    return ''; // It ended, or may not be looked at.
  }
}
