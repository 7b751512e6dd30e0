import type { BodySink } from './response-reader.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/**
 * Undoes the chunked transfer coding (RFC 9112, 7.1), cut anywhere, with CRLF or bare line feeds.
 *
 *     SIZE ──n──► DATA ──► DATA_END ──► SIZE
 *       └──0──► TRAILER ──blank line──► done
 */
export class ChunkedBody {
  readonly #sink: BodySink;
  #state = SIZE;
  #left = 0;
  #line = '';
  #trailerBytes = 0;

  constructor(sink: BodySink) {
    this.#sink = sink;
  }

  reset(): void {
    this.#state = SIZE;
    this.#line = '';
    this.#trailerBytes = 0;
  }

  /**
   * @returns offset past the body when it is complete, else -1
   * @throws UpstreamFailure when a size is not one
   */
  push(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      if (this.#state === DATA) {
        const end = Math.min(to, at + this.#left);
        this.#sink.piece(bytes, at, end, false);
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = DATA_END;
        continue;
      }
      const lineEnd = bytes.indexOf(LF, at);
      const end = lineEnd < 0 || lineEnd >= to ? to : lineEnd;
      if (this.#line.length + end - at > LONGEST_LINE)
        throw new UpstreamFailure('a line of the chunked body is too long');
      this.#line += bytes.toString('latin1', at, end);
      at = end;
      if (end === to) return -1;
      at += 1;
      const line = this.#line.trim();
      this.#line = '';
      if (this.#endLine(line)) return at;
    }
    return -1;
  }

  /** @returns true when this line was the last */
  #endLine(line: string): boolean {
    switch (this.#state) {
      case SIZE: {
        const digits = SIZE_LINE.exec(line)?.[1];
        if (digits === undefined) throw new UpstreamFailure(`bad chunk size ${JSON.stringify(line.slice(0, 40))}`);
        this.#left = Number.parseInt(digits, 16);
        this.#state = this.#left === 0 ? TRAILER : DATA;
        return false;
      }
      case DATA_END:
        if (line !== '') throw new UpstreamFailure('a chunk is longer than its size');
        this.#state = SIZE;
        return false;
      default:
        this.#trailerBytes += line.length;
        if (this.#trailerBytes > LONGEST_TRAILER) throw new UpstreamFailure('the trailer of the answer is too long');
        if (line !== '') return false;
        this.#sink.piece(bytesOfNothing, 0, 0, true);
        return true;
    }
  }
}

const SIZE = 0;
const DATA = 1;
const DATA_END = 2;
const TRAILER = 3;

const LF = 0x0a;
const SIZE_LINE = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/;
const LONGEST_LINE = 4096;
const LONGEST_TRAILER = 64 * 1024;
const bytesOfNothing = Buffer.alloc(0);
