import { lstatSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoredEntry } from '../../storage/archive/archive-index.ts';
import type { ContentDigest } from '../../storage/archive/content-digest.ts';
import { ContentChanged, packLater, packMember } from '../../storage/archive/pack-member.ts';
import type { Spool } from '../../storage/archive/spool.ts';
import { linkStaysInside, type TarEntry } from '../../storage/archive/tar-entry.ts';
import type { PackedEntry } from '../../storage/archive/upload-plan.ts';
import { errorCodeOf } from '../agent-error.ts';
import { jsonFaultOf } from './json-fault.ts';
import { FileShrank, ReadBuffer, StableFile } from './stable-file.ts';
import type { StateLimits } from './state-limits.ts';
import type { WithheldCode } from './state-notice.ts';
import { CLOCK_TICK_MS, type FileFacts, factsOf, isFresh, type Suspect, sameFacts } from './state-tree.ts';

/** What became of an entry that was looked at. */
export type Taken =
  /** It waits in the spool. */
  | { readonly kind: 'packed'; readonly packed: PackedEntry; readonly facts: FileFacts; readonly readAt: number }
  /** What is stored has the same content and mode. */
  | { readonly kind: 'same'; readonly facts: FileFacts; readonly readAt: number }
  /** What is stored stays. With facts: until it changes again; without: the next sync tries again. */
  | {
      readonly kind: 'withheld';
      readonly code: WithheldCode;
      readonly detail: string;
      readonly facts: FileFacts | null;
      readonly readAt: number;
    }
  /** Not there any more, or something else now: the next scan will see. */
  | { readonly kind: 'vanished' };

const TRIES = 4;
const FIRST_PAUSE_MS = 25;
/**
 * Cutting a file off and writing it again are two steps, and a disk can make the first take long: until what it still has
 * to write of the old content is written, the file is seen as empty.
 */
const EMPTY_SETTLES_MS = 500;
/** Smaller files go into the spool even when it is nearly full: it is emptied then. */
const FEWEST_BYTES_READ_LATER = 64 * 1024;
const KEPT_MODE = 0o777;
const JSON_OF_STATE = /^\.the0-state\/[^/]+\.json$/;

export interface TakerOptions {
  readonly root: string;
  readonly spool: Spool;
  readonly limits: StateLimits;
  /** A file for which the spool has no room is not copied but read again when it is uploaded. */
  readonly mayReadLater: boolean;
  readonly newDigest: () => ContentDigest;
  /** Milliseconds since 1970, by the clock that the file system uses. */
  readonly now: () => number;
  readonly signal: AbortSignal | undefined;
}

/** Brings single entries from the state directory into the spool, whole versions only. Lives as long as one sync. */
export class StateTaker {
  readonly options: TakerOptions;
  readonly #buffer = new ReadBuffer();
  #freeBuffer: ReadBuffer | null = null;
  #patienceMs: number;

  constructor(options: TakerOptions) {
    this.options = options;
    this.#patienceMs = options.limits.patienceMs;
  }

  async take({ name, kind }: Suspect, stored: StoredEntry | undefined): Promise<Taken> {
    this.options.signal?.throwIfAborted();
    try {
      if (kind === 'file') return await this.#takeFile(name, stored);
      return await this.#takeOther(name, kind, stored);
    } catch (error) {
      const code = errorCodeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EINVAL') return { kind: 'vanished' };
      if (code === 'EACCES' || code === 'EPERM') return withheld('unreadable', 'the agent may not read it');
      throw error;
    }
  }

  /** Waits for whoever is writing, a little longer each time. @returns false when there is no more time for that */
  async wait(attempt: number): Promise<boolean> {
    return await this.#pause(FIRST_PAUSE_MS * 2 ** attempt);
  }

  async #pause(wantedMs: number): Promise<boolean> {
    const pauseMs = Math.min(this.#patienceMs, wantedMs);
    if (pauseMs <= 0) return false;
    this.#patienceMs -= pauseMs;
    await sleep(pauseMs, undefined, this.options.signal === undefined ? {} : { signal: this.options.signal });
    return true;
  }

  /**
   * Hashes it when it might be what is stored, else packs it; the caller has opened it and sees afterwards whether it
   * stayed the same.
   * @throws FileShrank, ContentChanged
   */
  async packFile(name: string, file: StableFile, stored: StoredEntry | undefined): Promise<Taken> {
    const { facts, openedAt: readAt } = file;
    const mode = facts.mode & KEPT_MODE;
    if (stored?.kind === 'file' && stored.size === facts.size && stored.mode === mode) {
      const digest = this.options.newDigest();
      for (const chunk of file.chunks(this.#buffer)) digest.update(chunk);
      if (digest.end() === stored.digest) return { kind: 'same', facts, readAt };
    }
    const digest = this.options.newDigest();
    const entry = entryOf(name, 'file', facts, file);
    const content = digested(file.chunks(this.#buffer), digest);
    const { spool, limits, mayReadLater } = this.options;
    const hasRoom = facts.size < FEWEST_BYTES_READ_LATER || spool.heldBytes + facts.size <= limits.spoolBytes;
    const at =
      mayReadLater && !hasRoom
        ? await packLater(spool, entry, content, () => this.#readAgain(name, facts))
        : await packMember(spool, entry, content);
    const packed: PackedEntry = { kind: 'file', mode, size: facts.size, digest: digest.end(), at };
    return { kind: 'packed', packed, facts, readAt };
  }

  /** @throws ContentChanged */
  *#readAgain(name: string, facts: FileFacts): Generator<Buffer> {
    const changed = () => new ContentChanged(`${name} has changed since it was looked at`);
    const file = this.open(name);
    if (file === null) throw changed();
    try {
      if (!sameFacts(file.facts, facts)) throw changed();
      // Two may be read at once.
      const buffer = this.#freeBuffer ?? new ReadBuffer();
      this.#freeBuffer = null;
      yield* file.chunks(buffer);
      this.#freeBuffer = buffer;
      if (!file.isUnchanged()) throw changed();
    } catch (error) {
      throw error instanceof FileShrank ? changed() : error;
    } finally {
      file.close();
    }
  }

  open(name: string): StableFile | null {
    return StableFile.open(`${this.options.root}/${name}`, this.options.now);
  }

  isTooLarge(file: StableFile): boolean {
    return file.facts.size > this.options.limits.fileBytes;
  }

  tooLarge({ facts, openedAt: readAt }: StableFile): Taken {
    const { fileBytes } = this.options.limits;
    const detail = `it has ${facts.size} bytes, and MAX_STATE_FILE_SIZE_MB allows ${fileBytes}`;
    return withheld('file-too-large', detail, facts, readAt);
  }

  async #takeFile(name: string, stored: StoredEntry | undefined): Promise<Taken> {
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt >= TRIES - 1;
      const mark = this.options.spool.length;
      const file = this.open(name);
      if (file === null) return { kind: 'vanished' };
      try {
        if (this.isTooLarge(file)) return this.tooLarge(file);
        // Somebody may be in the middle of writing it.
        const isHot = file.isHot;
        if (isHot && !isLast && (await this.wait(attempt))) continue;
        if (stored?.size !== 0 && (await this.#settlesEmpty(file))) continue;
        const isJson = JSON_OF_STATE.test(name);
        const fault = isJson ? this.#jsonFaultOf(file) : null;
        const taken = fault === null ? await this.packFile(name, file, stored) : notJson(fault, file);
        const isWhole = isHot && !isJson ? await this.#stays(file, taken, stored) : file.isUnchanged();
        if (isWhole && (fault === null || isLast)) return taken;
      } catch (error) {
        if (!(error instanceof FileShrank) && !(error instanceof ContentChanged)) throw error;
      } finally {
        file.close();
      }
      this.options.spool.truncate(mark);
      if (isLast || !(await this.wait(attempt))) return this.#busyOrNotJson(name);
    }
  }

  /** Gives an empty file the time to be something else. @returns whether it has to be looked at again */
  async #settlesEmpty({ facts, openedAt }: StableFile): Promise<boolean> {
    if (facts.size > 0 || !isFresh(facts, openedAt, EMPTY_SETTLES_MS)) return false;
    return await this.#pause(Math.min(EMPTY_SETTLES_MS, facts.ctimeMs + EMPTY_SETTLES_MS - openedAt));
  }

  /**
   * For what was written so shortly before it was read that its facts prove nothing: either it then stays as it is for a
   * tick of the clock, or it is one of those that are only ever appended to, whose beginnings are versions, too.
   */
  async #stays(file: StableFile, taken: Taken, stored: StoredEntry | undefined): Promise<boolean> {
    await sleep(CLOCK_TICK_MS + 1);
    const { size } = file.facts;
    // What was written after the reading and within the same tick shows in nothing else.
    const digest = taken.kind === 'packed' ? taken.packed.digest : stored?.digest;
    const stillBegins = this.#digestOfBeginning(file, size) === digest;
    if (file.isUnchanged()) return stillBegins;
    const now = file.currentFacts();
    if (taken.kind !== 'packed' || size === 0 || now.size < size) return false;
    if (stored?.kind !== 'file') {
      // What has never been stored may just as well be written for the first time, in pieces: that ends.
      await sleep(CLOCK_TICK_MS + 1);
      if (sameFacts(file.currentFacts(), now)) return false;
    }
    const continues = stored?.kind !== 'file' || this.#digestOfBeginning(file, stored.size) === stored.digest;
    return stillBegins && continues;
  }

  #digestOfBeginning(file: StableFile, size: number): string | null {
    if (size > file.facts.size) return null;
    const digest = this.options.newDigest();
    for (const chunk of file.chunks(this.#buffer, size)) digest.update(chunk);
    return digest.end();
  }

  /** No patience is left: what is said of it is what it is now. */
  #busyOrNotJson(name: string): Taken {
    const file = JSON_OF_STATE.test(name) ? this.open(name) : null;
    try {
      const fault = file === null ? null : this.#jsonFaultOf(file);
      if (file !== null && fault !== null && file.isUnchanged()) return notJson(fault, file);
    } catch (error) {
      if (!(error instanceof FileShrank)) throw error;
    } finally {
      file?.close();
    }
    return BUSY;
  }

  /** @throws FileShrank */
  #jsonFaultOf(file: StableFile): string | null {
    return jsonFaultOf(file, this.options.limits.jsonBytes, this.#buffer);
  }

  async #takeOther(name: string, kind: 'directory' | 'link', stored: StoredEntry | undefined): Promise<Taken> {
    const path = `${this.options.root}/${name}`;
    const readAt = this.options.now();
    const stat = lstatSync(path);
    if (kind === 'directory' ? !stat.isDirectory() : !stat.isSymbolicLink()) return { kind: 'vanished' };
    const facts = factsOf(stat);
    const target = kind === 'link' ? readlinkSync(path) : '';
    if (kind === 'link' && !linkStaysInside(name, target)) {
      return withheld('link-leads-out', 'it is a link to something outside the state directory', facts, readAt);
    }
    const digest = this.options.newDigest();
    digest.update(Buffer.from(target));
    const held = kind === 'link' ? digest.end() : '';
    const mode = facts.mode & KEPT_MODE;
    if (stored?.kind === kind && stored.mode === mode && stored.digest === held) return { kind: 'same', facts, readAt };
    const at = await packMember(this.options.spool, entryOf(name, kind, facts, stat, target), []);
    return { kind: 'packed', packed: { kind, mode, size: 0, digest: held, at }, facts, readAt };
  }
}

function withheld(code: WithheldCode, detail: string, facts: FileFacts | null = null, readAt = 0): Taken {
  return { kind: 'withheld', code, detail, facts, readAt };
}

function notJson(fault: string, { facts, openedAt }: StableFile): Taken {
  return withheld('not-json', fault, facts, openedAt);
}

export const BUSY: Taken = withheld('busy', 'it was written whenever it was read');

function entryOf(
  name: string,
  kind: TarEntry['kind'],
  { size, mode, mtimeMs }: FileFacts,
  { uid, gid }: { readonly uid: number; readonly gid: number },
  linkTarget = '',
): TarEntry {
  return { name, kind, mode: mode & KEPT_MODE, size, mtime: Math.floor(mtimeMs / 1000), uid, gid, linkTarget };
}

function* digested(chunks: Iterable<Buffer>, digest: ContentDigest): Generator<Buffer> {
  for (const chunk of chunks) {
    digest.update(chunk);
    yield chunk;
  }
}
