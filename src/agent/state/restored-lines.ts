import { ArchiveIndex, type StoredEntry } from '../../storage/archive/archive-index.ts';
import type { ByteRange } from '../../storage/object-store.ts';
import type { Restored } from './restore-state.ts';

/**
 * What was restored, from the process that did it to the one that goes on with it: one line of JSON, and one for each entry
 * of the archive. Both ends are the same program.
 */
export function* restoredLines(restored: Restored): Generator<string> {
  if (restored.kind !== 'restored') {
    yield `${JSON.stringify(restored)}\n`;
    return;
  }
  const { kind, etag, seq, index } = restored;
  yield `${JSON.stringify({ kind, etag, seq, endOffset: index.endOffset, entries: index.entries.size })}\n`;
  for (const [name, { kind: is, mode, size, digest, at, older }] of index.entries) {
    const ranges = [at, ...older].flatMap(({ from, to }) => [from, to]);
    yield `${JSON.stringify([name, is, mode, size, digest, ...ranges])}\n`;
  }
}

/** Takes the lines as they come. */
export class RestoredReader {
  #head: Readonly<Record<string, unknown>> | null = null;
  readonly #entries = new Map<string, StoredEntry>();

  /** @throws Error for a line that does not belong here */
  push(line: string): void {
    const value: unknown = JSON.parse(line);
    if (this.#head === null) this.#head = recordOf(value);
    else this.#add(value);
  }

  /** @throws Error when something is missing */
  result(): Restored {
    const head = this.#head ?? {};
    const { kind, epoch, etag, seq, endOffset, entries } = head;
    if (kind === 'first-run' || kind === 'kept') return { kind };
    if (kind === 'superseded' && typeof epoch === 'number') return { kind, epoch };
    const isWhole = kind === 'restored' && entries === this.#entries.size;
    const hasOffset = endOffset === null || typeof endOffset === 'number';
    if (!isWhole || !hasOffset || typeof etag !== 'string' || typeof seq !== 'number') throw notWhole();
    return { kind, etag, seq, index: new ArchiveIndex(this.#entries, endOffset) };
  }

  #add(value: unknown): void {
    if (!Array.isArray(value)) throw notWhole();
    const [name, kind, mode, size, digest, ...numbers] = value;
    const isKind = kind === 'file' || kind === 'directory' || kind === 'link';
    const [at, ...older] = rangesOf(numbers);
    const isText = typeof name === 'string' && typeof digest === 'string';
    if (!isText || !isKind || typeof mode !== 'number' || typeof size !== 'number' || at === undefined)
      throw notWhole();
    this.#entries.set(name, { kind, mode, size, digest, at, older });
  }
}

function rangesOf(numbers: readonly unknown[]): ByteRange[] {
  const ranges: ByteRange[] = [];
  for (let position = 0; position < numbers.length; position += 2) {
    const [from, to] = [numbers[position], numbers[position + 1]];
    if (typeof from !== 'number' || typeof to !== 'number') throw notWhole();
    ranges.push({ from, to });
  }
  return ranges;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function notWhole(): Error {
  return new Error('what was told of the restored state is not whole');
}
