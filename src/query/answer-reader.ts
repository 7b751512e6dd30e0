import { BotAnswer } from './bot-answer.ts';
import type { HeldBytes } from './held-bytes.ts';
import { ResponseReader } from './response-reader.ts';

/** Reads the answer of one connection at a time. */
export class AnswerReader {
  readonly answer: BotAnswer;
  readonly response: ResponseReader;

  constructor(answerBytes: number, held: HeldBytes) {
    this.answer = new BotAnswer(answerBytes, held);
    this.response = new ResponseReader(this.answer);
  }

  reset(): void {
    this.answer.reset();
    this.response.reset();
  }
}

/**
 * The readers of a thread. A connection borrows one from the first byte of an answer to its last: nearly every answer comes
 * in one piece, so that a few readers, always the same, serve thousands of connections. With one each, every answer would
 * find its reader far away in memory, and a connection that waits would keep a dozen objects more.
 */
export class AnswerReaders {
  readonly #answerBytes: number;
  readonly #held: HeldBytes;
  /** Ready for use; the one used last is at the end. */
  readonly #free: AnswerReader[] = [];

  constructor(answerBytes: number, held: HeldBytes) {
    this.#answerBytes = answerBytes;
    this.#held = held;
  }

  take(): AnswerReader {
    return this.#free.pop() ?? new AnswerReader(this.#answerBytes, this.#held);
  }

  /** Its answer is not valid any more. */
  give(reader: AnswerReader): void {
    reader.reset();
    if (this.#free.length < KEPT_READERS) this.#free.push(reader);
  }
}

/** More are in use only while so many answers come in pieces at one time. */
const KEPT_READERS = 64;
