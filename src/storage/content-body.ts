interface ContentBodyOptions {
  /** Called once: whether everything was read, so that what it came from can serve again. */
  readonly end: (whole: boolean) => void;
  readonly failure: (error: unknown) => unknown;
}

/**
 * Bytes that come from a connection or an open file, which is given back at their end. Not a plain generator: that would
 * forget it when ended before it was begun.
 */
export class ContentBody implements AsyncIterableIterator<Buffer> {
  readonly #bytes: AsyncGenerator<Buffer>;
  readonly #options: ContentBodyOptions;
  #ended = false;

  constructor(bytes: AsyncGenerator<Buffer>, options: ContentBodyOptions) {
    this.#bytes = bytes;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    try {
      const result = await this.#bytes.next();
      if (result.done !== true) return { done: false, value: result.value };
      this.#end(true);
      return { done: true, value: undefined };
    } catch (error) {
      this.#end(false);
      throw this.#options.failure(error);
    }
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#end(false);
    return { done: true, value: undefined };
  }

  #end(whole: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.end(whole);
  }
}
