import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArchiveError } from '../../storage/archive/archive-error.ts';
import { extractArchive } from '../../storage/archive/extract.ts';
import type { ArchiveContents } from '../../storage/archive/read-archive.ts';
import { messageOf } from '../agent-error.ts';
import type { StateLimits } from './state-limits.ts';

/** Lies in a state directory while it is being filled: what is beside it is not a bot's state. Never stored. */
export const RESTORING = '.the0-restoring';

/** A state that exists and cannot be had: the bot must not start without it (design 8). */
export class StateUnreadable extends Error {
  override readonly name = 'StateUnreadable';
  /** An ArchiveTrouble, a StoreTrouble or `disk`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Whether the directory holds a bot's state. Directories alone do not count: an SDK makes some before there is anything to
 * put in them, and the stored state must not be lost to that. Neither does what a restore that was cut short has left.
 */
export function holdsState(directory: string): boolean {
  if (existsSync(join(directory, RESTORING))) return false;
  return readdirSync(directory, { withFileTypes: true, recursive: true }).some((entry) => !entry.isDirectory());
}

/** Takes away what a restore that was cut short has left, if there is nothing to restore any more. */
export function discardUnfinished(directory: string): void {
  const marker = join(directory, RESTORING);
  if (!existsSync(marker)) return;
  empty(directory);
  rmSync(marker);
}

/**
 * Fills the directory with what the archive holds. It is emptied first; and again when something fails, so that no part
 * of a state is ever taken for all of it, whenever this process is killed.
 *
 * @throws StateUnreadable for a bad archive or a full disk; what the archive's bytes throw
 */
export async function restoreInto(
  directory: string,
  archive: AsyncIterable<Buffer>,
  limits: StateLimits,
): Promise<ArchiveContents> {
  const marker = join(directory, RESTORING);
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(marker, '');
    empty(directory);
    const contents = await extractArchive(archive, directory, limits, [RESTORING]);
    rmSync(marker);
    return contents;
  } catch (error) {
    empty(directory);
    rmSync(marker, { force: true });
    if (error instanceof ArchiveError) {
      throw new StateUnreadable(error.code, `the stored state cannot be used: ${error.message}${hintFor(error)}`, {
        cause: error,
      });
    }
    if (error instanceof Error && 'syscall' in error) {
      throw new StateUnreadable('disk', `the stored state cannot be written: ${messageOf(error)}`, { cause: error });
    }
    throw error;
  }
}

function hintFor({ code }: ArchiveError): string {
  if (code === 'file-too-large') return ' (MAX_STATE_FILE_SIZE_MB)';
  return code === 'too-large' ? ' (MAX_STATE_SIZE_MB)' : '';
}

function empty(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === RESTORING) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) makeWritable(path);
    rmSync(path, { recursive: true, force: true });
  }
}

/** A restored directory may be one that its owner may not change. */
function makeWritable(directory: string): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) makeWritable(join(directory, entry.name));
  }
}
