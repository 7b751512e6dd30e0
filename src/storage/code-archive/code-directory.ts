import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CodeArchiveError } from './archive-error.ts';
import { RESERVED } from './zip-entry.ts';

/** What the code was made of. */
export interface CodeVersion {
  readonly key: string;
  readonly etag: string;
}

const MARKER = RESERVED;
const STAGING_PREFIX = `${RESERVED}-`;
const FORMAT = 1;

/**
 * - `replacing`: the staged code is whole; what was there before is being cleared
 * - `unpacked`: the staged code is being moved to its place; when there is no staging folder, it is there
 */
interface Marker extends CodeVersion {
  readonly state: 'replacing' | 'unpacked';
  readonly staging: string;
  /** Of an earlier boot, files may have been lost that were thought to be written. */
  readonly boot: string;
}

/**
 * Where an agent keeps the code it unpacked. It may be a mount point, which cannot be renamed, so:
 *
 *   <directory>/.the0-code-XXXXXX/archive.zip   spooled ─► code/ unpacked and checked
 *   <directory>/.the0-code                      marker: from here on whoever comes finishes it, also after a crash
 *   <directory>/main.py …                       renamed out of code/; never written in place, so a running program of the
 *                                               version before is not disturbed (contract 12.3 #55)
 */
export class CodeDirectory {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether this version is there. */
  holds(version: CodeVersion): boolean {
    const marker = this.#marker();
    if (marker === null || marker.key !== version.key || marker.etag !== version.etag) return false;
    if (marker.boot !== bootId()) return false;
    this.#publish(marker);
    return true;
  }

  /**
   * A new folder for an archive and what is unpacked from it; what an interrupted start left of such is removed.
   * @throws CodeArchiveError `not-ours` when there are files, and they are not the agent's
   */
  stage(): Staging {
    mkdirSync(this.#path, { recursive: true });
    const names = readdirSync(this.#path);
    if (this.#marker() === null && names.some((name) => !isOwn(name))) {
      throw new CodeArchiveError('not-ours', `${this.#path} holds files that were not put there by this agent`);
    }
    for (const name of names) {
      if (name.startsWith(STAGING_PREFIX)) rmSync(join(this.#path, name), { recursive: true, force: true });
    }
    const path = mkdtempSync(join(this.#path, STAGING_PREFIX));
    return {
      archive: join(path, 'archive.zip'),
      code: join(path, 'code'),
      publish: (version) => {
        rmSync(join(path, 'archive.zip'), { force: true });
        const staging = path.slice(path.lastIndexOf(STAGING_PREFIX));
        this.#publish({ ...version, state: 'replacing', staging, boot: bootId() });
      },
      remove: () => rmSync(path, { recursive: true, force: true }),
    };
  }

  #publish(marker: Marker): void {
    const staging = join(this.#path, marker.staging);
    if (!existsSync(staging)) return;
    if (marker.state === 'replacing') {
      this.#mark(marker);
      for (const name of readdirSync(this.#path)) {
        if (!isOwn(name)) rmSync(join(this.#path, name), { recursive: true, force: true });
      }
      this.#mark({ ...marker, state: 'unpacked' });
    }
    for (const name of namesIn(join(staging, 'code'))) move(join(staging, 'code', name), join(this.#path, name));
    rmSync(staging, { recursive: true, force: true });
  }

  #mark(marker: Marker): void {
    const temporary = join(this.#path, marker.staging, 'marker');
    writeFileSync(temporary, JSON.stringify({ v: FORMAT, ...marker }));
    renameSync(temporary, join(this.#path, MARKER));
  }

  /** Null also for one that cannot be understood: then the directory is nobody's. */
  #marker(): Marker | null {
    try {
      const value: unknown = JSON.parse(readFileSync(join(this.#path, MARKER), 'utf8'));
      return isMarker(value) ? value : null;
    } catch (error) {
      if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        return null;
      throw error;
    }
  }
}

export interface Staging {
  /** Where to put the archive. */
  readonly archive: string;
  /** Where to unpack it; does not exist yet. */
  readonly code: string;
  /** Makes what was unpacked the code. */
  publish(version: CodeVersion): void;
  /** Of what was published: nothing. */
  remove(): void;
}

function isOwn(name: string): boolean {
  return name === MARKER || name.startsWith(STAGING_PREFIX);
}

function isMarker(value: unknown): value is Marker {
  if (typeof value !== 'object' || value === null || !('v' in value) || value.v !== FORMAT) return false;
  const { state, staging, key, etag, boot }: Partial<Record<string, unknown>> = { ...value };
  return (
    (state === 'replacing' || state === 'unpacked') &&
    typeof staging === 'string' &&
    /^\.the0-code-[A-Za-z0-9]+$/.test(staging) &&
    typeof key === 'string' &&
    typeof etag === 'string' &&
    typeof boot === 'string'
  );
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** The query server's agent may be finishing the same (contract 6.8). */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

/** Empty where the system does not tell. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}
