import type { ByteRange, ObjectInfo, ObjectPlace, ObjectStore } from './object-store.ts';
import { mayPass, pauseBefore, type RetryPolicy, retryRead } from './retry.ts';

export interface ReadLogOptions {
  readonly store: ObjectStore;
  readonly bucket: string;
  readonly botId: string;
  /** How many of the last lines; `Infinity` for all there are. */
  readonly lines: number;
  /** Go on with what is stored from now on, until `signal`. */
  readonly follow: boolean;
  readonly pollMs: number;
  /** How often it is looked whether another day has begun. */
  readonly nextDayMs: number;
  /** How much of the log is searched for where these lines begin. */
  readonly searchBytes: number;
  /** When the store is busy or away: of each look anew. */
  readonly retry: RetryPolicy;
  readonly signal: AbortSignal;
}

/** One day of a log. */
interface Day {
  readonly place: ObjectPlace;
  readonly size: number;
}

/** A part of a day that is to be shown. */
interface Part {
  readonly place: ObjectPlace;
  readonly range: ByteRange;
}

const SEARCH_BYTES = 256 * 1024;
const PIECE_BYTES = 4 * 1024 * 1024;
/** A longer line is no line of an agent, and is shown in pieces. */
const LONGEST_LINE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The end of a bot's log, out of the objects its agent stores: one for each day, only ever extended at the end (contract 4.1).
 * Lines come as the bot wrote them. What was printed lately may not be stored yet: the agent stores every few seconds.
 *
 * It ends when the reader leaves (`signal`), whatever goes wrong at that moment.
 * @throws StoreError when the store refuses, or is busy or away for longer than `retry` allows
 */
export async function* readStoredLog(options: ReadLogOptions): AsyncGenerator<Buffer> {
  try {
    yield* storedLog(options);
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
}

async function* storedLog(options: ReadLogOptions): AsyncGenerator<Buffer> {
  const { signal, follow } = options;
  const days = await listDays(options);
  const lines = new BotLines();
  for (const part of await lastLines(options, days)) yield* shown(lines, piecesOf(options, part));
  let current = days.at(-1) ?? null;
  let lookedAt = performance.now();
  while (follow && !signal.aborted) {
    await pause(options);
    if (signal.aborted) return;
    if (current === null || performance.now() - lookedAt > options.nextDayMs) {
      lookedAt = performance.now();
      const later = (await listDays(options)).filter(({ place }) => current === null || place.key > current.place.key);
      const [next] = later;
      if (next !== undefined) {
        if (current !== null) yield* shown(lines, growth(options, current));
        current = { place: next.place, size: 0 };
      }
    }
    if (current === null) continue;
    const before: Day = current;
    const info = await headOf(options, before.place);
    const size: number = info?.size ?? 0;
    // Shorter: it was removed, and begins anew.
    const from = size < before.size ? 0 : before.size;
    if (size > from) yield* shown(lines, piecesOf(options, { place: before.place, range: { from, to: size } }));
    current = { place: before.place, size };
  }
}

/** What a day got since it was last looked at. */
async function* growth(options: ReadLogOptions, { place, size: from }: Day): AsyncGenerator<Buffer> {
  const info = await headOf(options, place);
  if (info !== null && info.size > from) yield* piecesOf(options, { place, range: { from, to: info.size } });
}

function headOf({ store, retry, signal }: ReadLogOptions, place: ObjectPlace): Promise<ObjectInfo | null> {
  return retryRead(() => store.head(place, signal), retry, signal);
}

/** The oldest first. */
function listDays(options: ReadLogOptions): Promise<Day[]> {
  return retryRead(() => listOnce(options), options.retry, options.signal);
}

async function listOnce({ store, bucket, botId, signal }: ReadLogOptions): Promise<Day[]> {
  const prefix = `logs/${botId}/`;
  const days: Day[] = [];
  for await (const { key, size } of store.list(bucket, prefix, signal)) {
    if (/^\d{8}\.log$/.test(key.slice(prefix.length))) days.push({ place: { bucket, key }, size });
  }
  return days;
}

/** The parts that hold the last lines that are wanted, in order. */
async function lastLines(options: ReadLogOptions, days: readonly Day[]): Promise<Part[]> {
  const parts: Part[] = [];
  let missing = options.lines;
  let searched = 0;
  for (const { place, size } of [...days].reverse()) {
    if (missing === 0) break;
    let from = missing === Number.POSITIVE_INFINITY ? 0 : size;
    while (from > 0 && missing > 0) {
      const start = Math.max(0, from - SEARCH_BYTES);
      const piece = await readRange(options, { place, range: { from: start, to: from } });
      const found = startOfLast(piece, missing, start + piece.length === size);
      missing -= found.lines;
      from = missing === 0 ? start + found.offset : start;
      searched += piece.length;
      // Then this is all there will be.
      if (searched >= options.searchBytes) missing = 0;
    }
    // The first line of the day has no newline before it.
    if (from === 0 && size > 0 && missing > 0) missing -= 1;
    if (size > from) parts.unshift({ place, range: { from, to: size } });
  }
  return parts;
}

/** Where the last `lines` lines begin, and how many of their beginnings are in the piece. */
function startOfLast(piece: Buffer, lines: number, isEnd: boolean): { offset: number; lines: number } {
  let found = 0;
  // The newline that ends the last line separates nothing.
  for (let index = piece.length - (isEnd ? 2 : 1); index >= 0; index -= 1) {
    if (piece[index] !== NEWLINE) continue;
    found += 1;
    if (found === lines) return { offset: index + 1, lines };
  }
  return { offset: 0, lines: found };
}

/** Goes on where the store has broken off. */
async function* piecesOf(options: ReadLogOptions, { place, range }: Part): AsyncGenerator<Buffer> {
  const { store, retry, signal } = options;
  let at = range.from;
  for (let attempt = 1; at < range.to; attempt += 1) {
    try {
      const content = await store.read(place, {
        range: { from: at, to: Math.min(range.to, at + PIECE_BYTES) },
        signal,
      });
      // Removed meanwhile: there is no more of it.
      if (content === null) return;
      for await (const chunk of content.body) {
        at += chunk.length;
        attempt = 0;
        yield chunk;
      }
      if (attempt > 0) return;
    } catch (error) {
      if (attempt >= retry.attempts || signal.aborted || !mayPass(error)) throw error;
      await pauseBefore(attempt + 1, retry, signal);
    }
  }
}

async function readRange(options: ReadLogOptions, part: Part): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of piecesOf(options, part)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function* shown(lines: BotLines, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    const text = lines.add(chunk);
    if (text.length > 0) yield text;
  }
}

/** Makes of stored lines what the bot wrote: out of `{"timestamp":…,"message":…}`, which is how plain text is stored, the message. */
class BotLines {
  #rest: Buffer = Buffer.alloc(0);

  add(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const end = bytes.length > LONGEST_LINE_BYTES ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
    this.#rest = bytes.subarray(end);
    if (end === 0) return this.#rest.subarray(0, 0);
    const lines = bytes.toString('utf8', 0, end).replace(/\n$/, '').split('\n');
    return Buffer.from(lines.map((line) => `${written(line)}\n`).join(''));
  }
}

function written(line: string): string {
  if (!line.startsWith('{"timestamp":')) return line;
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null || Object.keys(entry).length !== 2) return line;
    return 'message' in entry && typeof entry.message === 'string' ? entry.message : line;
  } catch {
    return line; // No line of an agent.
  }
}

async function pause({ pollMs, signal }: ReadLogOptions): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, pollMs);
    signal.addEventListener('abort', done, { once: true });
  });
}
