import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { AdminSocketError } from './admin-errors.ts';

/** The kernel takes at most 107 bytes (103 on macOS) as the path of a Unix socket. */
const LONGEST_PATH_BYTES = 100;

/** Where the admin socket really is. Server and client compute the same from the same wish. */
export interface SocketPlace {
  readonly path: string;
  /** The folder of ours under the temporary directory that stands in for too long a path; null when not needed. */
  readonly standIn: string | null;
}

/** @param wanted path of the socket as configured, absolute or from the working directory */
export function socketPlace(wanted: string): SocketPlace {
  const absolute = resolve(wanted);
  const path = join(realDirectory(dirname(absolute)), basename(absolute));
  if (Buffer.byteLength(path) <= LONGEST_PATH_BYTES) return { path, standIn: null };
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 16);
  const standIn = join(tmpdir(), `the0-${digest}`);
  return { path: join(standIn, 'admin.sock'), standIn };
}

/** Makes the stand-in folder, readable by nobody else. @throws AdminSocketError when somebody else's is in the way */
export function makeStandIn(place: SocketPlace): void {
  if (place.standIn === null) return;
  mkdirSync(place.standIn, { recursive: true, mode: 0o700 });
  if (!isPrivateTo(place.standIn, [process.getuid?.()])) throw notOurs(place.standIn);
}

/**
 * Everybody may write to the temporary directory, so a client must not talk to whoever took the name first.
 * @throws AdminSocketError unless the folder belongs to this user or to the owner of the data directory
 */
export function checkStandIn(place: SocketPlace, wanted: string): void {
  if (place.standIn === null) return;
  const dataDirectory = statSync(dirname(resolve(wanted)), { throwIfNoEntry: false });
  if (lstatSync(place.standIn, { throwIfNoEntry: false }) === undefined) return;
  if (!isPrivateTo(place.standIn, [process.getuid?.(), dataDirectory?.uid])) throw notOurs(place.standIn);
}

function isPrivateTo(directory: string, owners: readonly (number | undefined)[]): boolean {
  const stats = lstatSync(directory);
  return stats.isDirectory() && owners.includes(stats.uid) && (stats.mode & 0o077) === 0;
}

function notOurs(directory: string): AdminSocketError {
  return new AdminSocketError(
    'admin-socket-unusable',
    `the folder ${directory} is needed for the admin socket, but others may write to it`,
    'remove that folder, or choose a shorter --data-dir or --admin (at most 100 characters)',
  );
}

function realDirectory(directory: string): string {
  // A folder that does not exist yet has no real path; the client then finds no socket, which is true.
  return statSync(directory, { throwIfNoEntry: false }) === undefined ? directory : realpathSync(directory);
}
