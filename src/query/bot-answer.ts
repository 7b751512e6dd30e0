import { GrowingBytes } from './growing-bytes.ts';
import { HeldBody, type HeldBytes } from './held-bytes.ts';
import { isBlank, LOWER_N, OPEN_OBJECT, QUOTE } from './json-bytes.ts';
import { isNamed, textOf } from './json-member.ts';
import { JsonScanner } from './json-scanner.ts';
import type { BodySink } from './response-reader.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/** What came back is not the JSON of an answer (contract 8.3). The message holds the beginning of the body. */
export class AnswerUnreadable extends Error {
  readonly code = 'answer-unreadable';
  override readonly name = 'AnswerUnreadable';
}

/**
 * The body of a bot's answer: `{status, data, error}`, read as Go fills a struct (names in any case, unknown ones ignored,
 * `null` or absent is empty, data may be anything). Checked while it comes, so half a gigabyte of something else ends at
 * once. Valid until the connection is used again.
 */
export class BotAnswer implements BodySink {
  /** Empty when the bot gave none; then the HTTP status is 200, as any other than `error` makes it. */
  status = '';
  error = '';
  /** Where `data` stands, as JSON; `dataFrom` is -1 when absent. */
  bytes: Buffer = NOTHING;
  dataFrom = -1;
  dataTo = -1;

  readonly #limit: number;
  readonly #held: HeldBody;
  readonly #heldBytes: HeldBytes;
  readonly #pieces = new GrowingBytes();
  readonly #scanner = new JsonScanner();

  constructor(limit: number, held: HeldBytes) {
    this.#limit = limit;
    this.#heldBytes = held;
    this.#held = new HeldBody(held);
  }

  /** Forgets the answer and gives back its memory. */
  reset(): void {
    this.status = '';
    this.error = '';
    this.bytes = NOTHING;
    this.dataFrom = -1;
    this.dataTo = -1;
    this.#held.release();
    if (this.#pieces.length > 0) this.#pieces.clear();
    this.#scanner.reset();
  }

  begin(expected: number): void {
    if (expected > this.#limit) this.#refuse(expected);
  }

  piece(bytes: Buffer, from: number, to: number, last: boolean): void {
    if (last && this.#pieces.length === 0) {
      if (to - from > this.#limit) this.#refuse(to - from);
      this.#read(bytes, from, from, to, true);
      return;
    }
    const before = this.#pieces.length;
    const length = before + to - from;
    if (length > this.#limit) this.#refuse(length);
    if (!this.#held.cover(length)) {
      throw new UpstreamFailure(
        `no room for this answer: large bodies of all queries together may hold ${this.#heldBytes.limit} bytes (limit heldBytes); ask again`,
      );
    }
    this.#pieces.append(bytes, from, to);
    this.#read(this.#pieces.buffer, 0, before, length, last);
  }

  #refuse(length: number): never {
    throw new UpstreamFailure(
      `the answer is too large: ${length} bytes or more, at most ${this.#limit} are allowed (limit answerBytes)`,
    );
  }

  #read(bytes: Buffer, bodyFrom: number, from: number, to: number, last: boolean): void {
    const scanner = this.#scanner;
    if (scanner.valueEnd < 0) scanner.scan(bytes, from, to);
    if (last) scanner.finish(to);
    if (scanner.valueEnd >= 0) {
      for (let at = Math.max(from, scanner.valueEnd); at < to; at += 1) {
        if (!isBlank(bytes[at] ?? 0)) this.#unreadable('invalid character after top-level value', bytes, bodyFrom, to);
      }
    }
    if (scanner.problem !== null) this.#unreadable(scanner.problem, bytes, bodyFrom, to);
    if (last) this.#fill(bytes, bodyFrom, to);
  }

  #fill(bytes: Buffer, bodyFrom: number, bodyTo: number): void {
    const { members, memberSlots, root } = this.#scanner;
    this.bytes = bytes;
    if (root === LOWER_N) return;
    if (root !== OPEN_OBJECT) this.#unreadable('not a JSON object', bytes, bodyFrom, bodyTo);
    for (let i = 0; i < memberSlots; i += 4) {
      const nameFrom = members[i] ?? 0;
      const nameTo = members[i + 1] ?? 0;
      const from = members[i + 2] ?? 0;
      const to = members[i + 3] ?? 0;
      if (isNamed(bytes, nameFrom, nameTo, 'data')) {
        this.dataFrom = from;
        this.dataTo = to;
      } else if (isNamed(bytes, nameFrom, nameTo, 'status')) {
        if (bytes[from] === QUOTE) this.status = statusOf(bytes, from, to);
        else if (bytes[from] !== LOWER_N) this.#unreadable('status is not a string', bytes, bodyFrom, bodyTo);
      } else if (isNamed(bytes, nameFrom, nameTo, 'error')) {
        if (bytes[from] === QUOTE) this.error = textOf(bytes, from, to);
        else if (bytes[from] !== LOWER_N) this.#unreadable('error is not a string', bytes, bodyFrom, bodyTo);
      }
    }
  }

  #unreadable(problem: string, bytes: Buffer, from: number, to: number): never {
    const cut = Math.min(to, from + EXCERPT_BYTES);
    throw new AnswerUnreadable(`${problem} (body: ${bytes.toString('utf8', from, cut)}${cut < to ? '…' : ''})`);
  }
}

/** Nearly every status is `ok`: not worth a string of its own. */
function statusOf(bytes: Buffer, from: number, to: number): string {
  const isOk = to - from === 4 && bytes[from + 1] === LOWER_O && bytes[from + 2] === LOWER_K;
  return isOk ? 'ok' : textOf(bytes, from, to);
}

const LOWER_K = 0x6b;
const LOWER_O = 0x6f;
const NOTHING = Buffer.alloc(0);
/** So much of a body that is not JSON is repeated in the error. */
const EXCERPT_BYTES = 512;
