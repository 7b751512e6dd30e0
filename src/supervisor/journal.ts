import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import type { RecordEffect } from '../../actors/effect.ts';
import type { BotMemory } from '../../actors/message.ts';
import { errnoOf } from '../errno.ts';
import type { Clock } from '../kernel/clock.ts';
import { causeOf, JournalUnreadable } from './journal-error.ts';
import { type JournalLine, type JournalTransition, parseJournalLine } from './journal-line.ts';
import { deleteSegments, linesOfSegment, listSegments, segmentPath } from './journal-segments.ts';

/** Memories written to a new segment in one go; between two, others have their turn. */
const MEMORIES_AT_ONCE = 500;

/**
 * History of all bots, and what they must remember: transitions with their reasons, attempts and backoffs.
 *
 * Segmented files `<number>.ndjson`, oldest deleted first, so the size is bounded. Each segment begins with the newest
 * memory of every bot, so that deleting an old segment forgets history but never a backoff.
 *
 *    000007.ndjson   memory a · memory b · transition a · transition b · …
 *    000008.ndjson   memory a · memory b · …                                ← appended to
 *
 * Writes are asynchronous and bounded: if the disk is full, bots go on, the oldest unwritten lines are dropped and counted,
 * and `trouble` says so until a write works again.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #memories = new Map<string, BotMemory>();
  #pending: string[] = [];
  #dropped = 0;
  /** Null as long as the current segment cannot be opened. */
  #file: FileHandle | null = null;
  #segment = 0;
  /** What was added to the current segment; the memories at its begin do not count. */
  #segmentBytes = 0;
  #writing: Promise<void> | null = null;
  #cancelRetry: (() => void) | null = null;
  #closed = false;
  #trouble: string | null = null;
  /** Met while reading; told until a segment begins with memories of this version. */
  #hasNewerLines = false;
  /** The last write may have ended inside a line. */
  #cut = false;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Why history is not being written, or not all of it is read, in a sentence; null while all is well. */
  get trouble(): string | null {
    if (this.#trouble !== null || !this.#hasNewerLines) return this.#trouble;
    return `The journal in ${this.#options.directory} holds lines that a newer version of the runtime wrote, and this one cannot read: bots may have forgotten their restarts and backoffs, and \`why\` shows less of their history. Use that version again, or let it be: bots run on.`;
  }

  memoryOf(botId: string): BotMemory | undefined {
    return this.#memories.get(botId);
  }

  /**
   * Reads what is there. Lines that cannot be read are skipped: a crash may have cut the last one. That nothing can be
   * written is no reason not to begin: see `trouble`.
   * @throws JournalUnreadable
   */
  async open(): Promise<void> {
    const { directory } = this.#options;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      this.#segment = (await listSegments(directory)).at(-1) ?? 0;
      if (this.#segment > 0) await this.#remember(this.#segment);
    } catch (error) {
      throw new JournalUnreadable(directory, error);
    }
    try {
      await this.#openNewest();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Never waits and never throws. */
  append(record: RecordEffect): void {
    this.#memories.set(record.botId, record.memory);
    this.#write({
      v: 1,
      bot: record.botId,
      memory: record.memory,
      transition: { from: record.from, to: record.to, reason: record.reason },
    });
  }

  /** A bot that is gone for good needs no memory; its history stays until its segment is deleted. */
  forget(botId: string): void {
    if (this.#memories.delete(botId)) this.#write({ v: 1, bot: botId, forgotten: true });
  }

  /** Bots that went while the runtime did not run need no memory either. */
  forgetAllBut(isKnown: (botId: string) => boolean): void {
    for (const botId of [...this.#memories.keys()]) if (!isKnown(botId)) this.forget(botId);
  }

  /**
   * The newest transitions of one bot, oldest first. Reads the files, newest first and a portion at a time: not for hot paths.
   * @throws JournalUnreadable
   */
  async timeline(botId: string, limit: number): Promise<JournalTransition[]> {
    const { directory } = this.#options;
    // What was appended by now is in the write under way, or in the one after it.
    await this.#writing;
    await this.#writing;
    try {
      let found: JournalTransition[] = [];
      for (const segment of (await listSegments(directory)).reverse()) {
        found = [...(await this.#transitionsIn(segment, botId, limit)), ...found];
        if (found.length >= limit) break;
      }
      return [...found, ...this.#unwritten(botId)].slice(-limit);
    } catch (error) {
      throw new JournalUnreadable(directory, error);
    }
  }

  /** What the disk has not taken yet, such as a full one. */
  #unwritten(botId: string): JournalTransition[] {
    if (this.#trouble === null) return [];
    return this.#pending.flatMap((text) => {
      const line = this.#parse(text);
      return line !== null && line.bot === botId && !line.forgotten && line.transition ? [line.transition] : [];
    });
  }

  /** Resolves when everything appended so far was written, or could not be. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    if (this.#pending.length > 0) this.#writeSoon();
    await this.flush();
    await this.#file?.close();
    this.#file = null;
  }

  async #remember(segment: number): Promise<void> {
    for await (const texts of linesOfSegment(segmentPath(this.#options.directory, segment))) {
      for (const text of texts) {
        const line = this.#parse(text);
        if (line === null) continue;
        if (line.forgotten) this.#memories.delete(line.bot);
        else this.#memories.set(line.bot, line.memory);
      }
    }
  }

  async #transitionsIn(segment: number, botId: string, limit: number): Promise<JournalTransition[]> {
    let found: JournalTransition[] = [];
    const path = segmentPath(this.#options.directory, segment);
    for await (const texts of linesOfSegment(path, `"bot":${JSON.stringify(botId)}`)) {
      for (const text of texts) {
        const line = this.#parse(text);
        if (line !== null && line.bot === botId && !line.forgotten && line.transition) found.push(line.transition);
      }
      found = found.slice(-limit);
    }
    return found;
  }

  #parse(text: string): JournalLine | null {
    const line = parseJournalLine(text);
    if (line !== 'newer-format') return line;
    this.#hasNewerLines = true;
    return null;
  }

  #write(line: JournalLine): void {
    if (this.#closed) return;
    this.#pending.push(`${JSON.stringify(line)}\n`);
    this.#dropOldest();
    this.#writeSoon();
  }

  #dropOldest(): void {
    const surplus = this.#pending.length - this.#options.pendingLines;
    if (surplus <= 0) return;
    this.#pending.splice(0, surplus);
    this.#dropped += surplus;
  }

  /** One write per turn of the event loop at the most: a burst of transitions becomes one. */
  #writeSoon(): void {
    if (this.#writing !== null || this.#cancelRetry !== null) return;
    this.#writing = new Promise<void>((resolve) => this.#options.clock.defer(resolve))
      .then(() => this.#writePending())
      .then((written) => {
        this.#writing = null;
        if (written && this.#pending.length > 0) this.#writeSoon();
      });
  }

  async #writePending(): Promise<boolean> {
    const lines = this.#pending;
    this.#pending = [];
    try {
      if (this.#file === null) await this.#openNewest();
      else if (this.#segmentBytes > this.#options.segmentBytes) await this.#beginSegment(this.#segment + 1);
      this.#segmentBytes += await this.#append(lines);
      this.#trouble = null;
      this.#dropped = 0;
      return true;
    } catch (error) {
      this.#pending = [...lines, ...this.#pending];
      this.#dropOldest();
      this.#failed(error);
      return false;
    }
  }

  #failed(error: unknown): void {
    const lost = this.#dropped > 0 ? ` and ${this.#dropped} entries are lost` : '';
    this.#trouble = `The journal in ${this.#options.directory} cannot be written (${causeOf(error)}); bots go on, but their history is kept in memory only${lost}.`;
    if (this.#closed) return;
    this.#cancelRetry ??= this.#options.clock.schedule(this.#options.retryMs, () => {
      this.#cancelRetry = null;
      this.#writeSoon();
    });
  }

  /** Takes lines out of `lines` as they are written, so that a write that fails half-way repeats none. @returns bytes */
  async #append(lines: string[]): Promise<number> {
    if (this.#file === null) throw new Error('its file is not open');
    // A disk that fills up may have taken half a line; a newline in front of the rest keeps it readable.
    const bytes = Buffer.from(this.#cut ? `\n${lines.join('')}` : lines.join(''));
    let written = 0;
    try {
      while (written < bytes.length) {
        const { bytesWritten } = await this.#file.write(bytes, written);
        if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
        written += bytesWritten;
      }
    } catch (error) {
      const whole = bytes.subarray(0, written).lastIndexOf('\n') + 1;
      this.#cut ||= written > whole;
      lines.splice(0, bytes.subarray(0, whole).toString('utf8').split('\n').length - (bytes[0] === 0x0a ? 2 : 1));
      throw error;
    }
    this.#cut = false;
    lines.length = 0;
    return written;
  }

  /** Goes on where the last runtime ended, so that starting it often does not push history out. */
  async #openNewest(): Promise<void> {
    const { directory, segmentBytes } = this.#options;
    const isNew = this.#segment === 0;
    const sizeBytes = isNew ? 0 : await sizeOf(segmentPath(directory, this.#segment));
    if (isNew || sizeBytes > segmentBytes) return await this.#beginSegment(this.#segment + 1);
    this.#file = await open(segmentPath(directory, this.#segment), 'a', 0o600);
    this.#segmentBytes = sizeBytes;
    this.#cut = sizeBytes > 0;
  }

  /** The file gets its name when it has all memories, so the newest segment is all that must be read at the start. */
  async #beginSegment(segment: number): Promise<void> {
    const { directory, segments } = this.#options;
    const path = segmentPath(directory, segment);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await this.#writeMemories(file);
      await rename(`${path}.new`, path);
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file?.close();
    this.#file = file;
    this.#segment = segment;
    this.#segmentBytes = 0;
    this.#cut = false;
    this.#hasNewerLines = false;
    await deleteSegments(directory, segment - segments);
  }

  async #writeMemories(file: FileHandle): Promise<void> {
    const botIds = [...this.#memories.keys()];
    for (let from = 0; from < botIds.length; from += MEMORIES_AT_ONCE) {
      const lines = botIds.slice(from, from + MEMORIES_AT_ONCE).flatMap((botId) => this.#memoryLine(botId));
      await file.appendFile(lines.join(''));
    }
    await file.sync();
  }

  #memoryLine(bot: string): string[] {
    const memory = this.#memories.get(bot);
    return memory === undefined ? [] : [`${JSON.stringify({ v: 1, bot, memory })}\n`];
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

export interface JournalOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** A new segment is begun above this size. */
  readonly segmentBytes: number;
  /** How many segments are kept, the current one included. */
  readonly segments: number;
  /** How many lines may wait for a slow disk before the oldest are dropped. */
  readonly pendingLines: number;
  /** After a failed write, when to try again. */
  readonly retryMs: number;
}
