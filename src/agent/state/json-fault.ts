import type { ReadBuffer, StableFile } from './stable-file.ts';

const INVALID = 'it is not valid JSON';
const EMPTY = 'it is empty';

/**
 * What keeps a file from being JSON; null: nothing. Parsing takes many times a text's own size in memory, so of a file that
 * is larger than `parseBytes` only brackets and quotes are followed, chunk by chunk: that shows that it was cut off, as by a
 * program that is still writing, though not every other fault.
 * @throws FileShrank
 */
export function jsonFaultOf(file: StableFile, parseBytes: number, buffer: ReadBuffer): string | null {
  if (file.facts.size > parseBytes) return outlineFaultOf(file.chunks(buffer));
  const text = file.content().toString();
  try {
    JSON.parse(text);
    return null;
  } catch {
    // The parser's own message would quote what is in it.
    return text.trim() === '' ? EMPTY : INVALID;
  }
}

/** Whether it is one object, array or string, from its beginning to its end. */
function outlineFaultOf(chunks: Iterable<Buffer>): string | null {
  const outline = new JsonOutline();
  for (const chunk of chunks) {
    for (const byte of chunk) if (!outline.goesOn(byte)) return INVALID;
  }
  if (outline.isWhole) return null;
  return outline.hasBegun ? INVALID : EMPTY;
}

/** Follows a text byte by byte. Bytes of UTF-8 that are no ASCII look like no bracket and no quote. */
class JsonOutline {
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #hasBegun = false;

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get isWhole(): boolean {
    return this.#hasBegun && this.#depth === 0 && !this.#inString;
  }

  /** @returns false: this byte cannot be here */
  goesOn(byte: number): boolean {
    if (this.#inString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === 0x5c /* \ */) this.#isEscaped = true;
      else if (byte === 0x22 /* " */) this.#inString = false;
      return true;
    }
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return true;
    if (this.isWhole) return false;
    const isOpening = byte === 0x7b || byte === 0x5b; // { [
    const isQuote = byte === 0x22;
    if (!this.#hasBegun && !isOpening && !isQuote) return false;
    this.#hasBegun = true;
    if (isOpening) this.#depth += 1;
    else if (isQuote) this.#inString = true;
    else if (byte === 0x7d || byte === 0x5d) this.#depth -= 1; // } ]
    return true;
  }
}
