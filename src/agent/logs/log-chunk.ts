import { readSync } from 'node:fs';
import type { Body } from '../../storage/object-store.ts';
import { storedLine } from './stored-line.ts';

const NEWLINE = 10;
const BLOCK_BYTES = 64 * 1024;

/** Whole lines of the local log, from byte `from` up to, not including, byte `to`. */
export interface LogSlice {
  readonly fd: number;
  readonly from: number;
  readonly to: number;
}

/**
 * A slice as it is stored. Its length must be known before it is sent and it may have to be sent twice, but it may be large:
 * so it is made anew each time, block by block, and never held whole. The same slice and timestamp give the same bytes.
 */
export function logChunk(slice: LogSlice, timestamp: string): Body {
  let size = 0;
  for (const block of storedBlocks(slice, timestamp)) size += block.length;
  return { size, read: () => storedBlocks(slice, timestamp) };
}

/**
 * The slice's end: after the last newline at or before `from + mostBytes`. A line that is longer than that goes in pieces.
 * @returns `from` when there is no whole line yet
 */
export function endOfLines(fd: number, from: number, size: number, mostBytes: number): number {
  const limit = Math.min(size, from + mostBytes);
  const buffer = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, limit - from));
  for (let end = limit; end > from; ) {
    const start = Math.max(from, end - buffer.length);
    const length = readSync(fd, buffer, 0, end - start, start);
    const newline = buffer.subarray(0, length).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return limit - from >= mostBytes ? limit : from;
}

function* storedBlocks({ fd, from, to }: LogSlice, timestamp: string): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  let pending: Buffer[] = [];
  for (let position = from; position < to; ) {
    const length = readSync(fd, buffer, 0, Math.min(BLOCK_BYTES, to - position), position);
    if (length === 0) break; // Cut off meanwhile: who sends notices that bytes are missing.
    position += length;
    const block = buffer.subarray(0, length);
    const end = block.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      yield storedText(Buffer.concat([...pending, block.subarray(0, end)]), timestamp);
      pending = [];
    }
    // A copy: the buffer is used again.
    if (end < length) pending.push(Buffer.from(block.subarray(end)));
  }
  if (pending.length > 0) yield storedText(Buffer.concat(pending), timestamp);
}

function storedText(lines: Buffer, timestamp: string): Buffer {
  let text = '';
  for (const line of lines.toString('utf8').split('\n')) text += storedLine(line, timestamp) ?? '';
  return Buffer.from(text);
}
