import { createHash, type Hash } from 'node:crypto';
import { dirname } from 'node:path';
import { DEFAULT_STATE_LIMITS } from '../../../src/agent/state/state-limits.ts';
import { readArchive } from '../../../src/storage/archive/read-archive.ts';
import type { TarEntry } from '../../../src/storage/archive/tar-entry.ts';
import type { TarSink } from '../../../src/storage/archive/tar-reader.ts';
import { DIRECTORY, linkVersion, type Version } from './journal.ts';

const PIECE_BYTES = 64 * 1024;

/** What an archive holds, without a disk in between. @throws ArchiveError */
export async function versionsIn(archive: Buffer): Promise<ReadonlyMap<string, Version>> {
  const versions = new Versions();
  await readArchive(piecesOf(archive), versions, DEFAULT_STATE_LIMITS);
  return versions.found;
}

export async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

class Versions implements TarSink {
  readonly found = new Map<string, Version>();
  #file: { readonly name: string; readonly hash: Hash } | null = null;

  begin({ name, kind, linkTarget }: TarEntry): void {
    for (let above = dirname(name); above !== '.'; above = dirname(above)) this.found.set(above, DIRECTORY);
    if (kind === 'file') this.#file = { name, hash: createHash('sha256') };
    else this.found.set(name, kind === 'directory' ? DIRECTORY : linkVersion(linkTarget));
  }

  data(bytes: Buffer): void {
    this.#file?.hash.update(bytes);
  }

  end(): void {
    if (this.#file !== null) this.found.set(this.#file.name, `file ${this.#file.hash.digest('hex')}`);
    this.#file = null;
  }
}
