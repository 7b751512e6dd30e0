import { type FileHandle, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { BotState, RecordEffect } from '../../actors/effect.ts';
import type { BotMemory } from '../../actors/message.ts';
import type { Reason } from '../../actors/reason.ts';
import type { Clock } from '../kernel/clock.ts';
import { type JournalLine, parseJournalLine } from './journal-line.ts';

/**
 * History of all bots, and what they must remember: transitions with their reasons, attempts and backoffs.
 *
 * Segmented files `<number>.ndjson`, oldest deleted first, so the size is bounded. Each new segment begins with the newest
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
  #file: FileHandle | null = null;
  #segment = 0;
  #segmentBytes = 0;
  #writing: Promise<void> | null = null;
  #trouble: string | null = null;
  /** The last write may have ended inside a line. */
  #cut = false;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Why history is not being written, in a sentence; null while all is well. */
  get trouble(): string | null {
    return this.#trouble;
  }

  memoryOf(botId: string): BotMemory | undefined {
    return this.#memories.get(botId);
  }

  /** Reads what is there. Lines that cannot be read are skipped: a crash may have cut the last one. */
  async open(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    for (const segment of await this.#segments()) {
      for (const line of await this.#linesOf(segment)) {
        if (line.forgotten) this.#memories.delete(line.bot);
        else this.#memories.set(line.bot, line.memory);
      }
      this.#segment = segment;
    }
    await this.#startSegment();
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

  /** The newest transitions of one bot, oldest first. Reads the files: not for hot paths. */
  async timeline(botId: string, limit: number): Promise<JournalTransition[]> {
    await this.flush();
    const found: JournalTransition[] = [];
    for (const segment of (await this.#segments()).reverse()) {
      const lines = (await this.#linesOf(segment)).filter((line) => line.bot === botId);
      found.unshift(...lines.flatMap((line) => (!line.forgotten && line.transition ? [line.transition] : [])));
      if (found.length >= limit) break;
    }
    return found.slice(-limit);
  }

  /** Resolves when everything appended so far was written, or could not be. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#file?.close();
    this.#file = null;
  }

  #write(line: JournalLine): void {
    this.#pending.push(`${JSON.stringify(line)}\n`);
    if (this.#pending.length > this.#options.pendingLines) {
      this.#pending.shift();
      this.#dropped += 1;
    }
    // One write per turn of the event loop at the most: a burst of transitions becomes one.
    this.#writing ??= new Promise<void>((resolve) => this.#options.clock.defer(resolve))
      .then(() => this.#drain())
      .finally(() => {
        this.#writing = null;
      });
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      try {
        if (this.#segmentBytes > this.#options.segmentBytes) await this.#startSegment();
        await this.#append(lines.join(''));
        this.#trouble = null;
        this.#dropped = 0;
      } catch (error) {
        this.#pending = [...lines, ...this.#pending].slice(-this.#options.pendingLines);
        this.#trouble = `The journal in ${this.#options.directory} cannot be written (${reasonOf(error)}); bots go on, but their history is kept in memory only${this.#dropped > 0 ? ` and ${this.#dropped} entries are lost` : ''}.`;
        this.#retryLater();
        return;
      }
    }
  }

  #retryLater(): void {
    this.#options.clock.schedule(this.#options.retryMs, () => {
      if (this.#pending.length > 0 && this.#file !== null) {
        this.#writing ??= this.#drain().finally(() => {
          this.#writing = null;
        });
      }
    });
  }

  async #append(text: string): Promise<void> {
    if (this.#file === null) throw new Error('the journal is closed');
    // A disk that fills up may have taken half a line; a newline in front of the retry keeps the rest readable.
    const bytes = Buffer.from(this.#cut ? `\n${text}` : text);
    this.#cut = true;
    const { bytesWritten } = await this.#file.write(bytes);
    this.#segmentBytes += bytesWritten;
    if (bytesWritten < bytes.length) throw Object.assign(new Error('disk full'), { code: 'ENOSPC' });
    this.#cut = false;
  }

  async #startSegment(): Promise<void> {
    const next = this.#segment + 1;
    const file = await open(this.#path(next), 'a', 0o600);
    await this.#file?.close();
    this.#file = file;
    this.#segment = next;
    this.#segmentBytes = 0;
    const memories = [...this.#memories].map(([bot, memory]) => `${JSON.stringify({ v: 1, bot, memory })}\n`);
    if (memories.length > 0) {
      await this.#append(memories.join(''));
      // The bound is on what is added: ten thousand bots must not roll over at every write.
      this.#segmentBytes = 0;
    }
    const old = (await this.#segments()).filter((segment) => segment <= next - this.#options.segments);
    for (const segment of old) await unlink(this.#path(segment));
  }

  async #segments(): Promise<number[]> {
    const names = await readdir(this.#options.directory);
    return names
      .flatMap((name) => (/^\d+\.ndjson$/.test(name) ? [Number.parseInt(name, 10)] : []))
      .sort((a, b) => a - b);
  }

  async #linesOf(segment: number): Promise<JournalLine[]> {
    const text = await readFile(this.#path(segment), 'utf8');
    return text.split('\n').flatMap((line) => parseJournalLine(line) ?? []);
  }

  #path(segment: number): string {
    return join(this.#options.directory, `${String(segment).padStart(6, '0')}.ndjson`);
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

export interface JournalTransition {
  readonly from: BotState;
  readonly to: BotState;
  readonly reason: Reason;
}

function reasonOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && error.code === 'ENOSPC' ? 'the disk is full' : error.message;
  return String(error);
}
