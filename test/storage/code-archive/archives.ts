import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import type { ExtractLimits } from '../../../src/storage/code-archive/extract.ts';

export const LIMITS: ExtractLimits = {
  codeFiles: 1_000,
  codeBytes: 64 * 1024 * 1024,
  codeFileBytes: 32 * 1024 * 1024,
  codeRatio: 200,
};

/** A directory that is gone after the test. */
export function scratch(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'the0-archive-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** One entry of a hand-made archive; what is not said is as a decent writer has it. */
export interface HandMade {
  readonly name: string | Buffer;
  readonly content?: Buffer | string;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  /** What the directory says of the size. */
  readonly size?: number;
  /** Type and permission bits. */
  readonly mode?: number;
  readonly localName?: string;
  /** Only in the directory: it points to this earlier entry. */
  readonly sameAs?: number;
}

/** A ZIP written byte by byte, so that it can lie. */
export function handMade(entries: readonly HandMade[]): Buffer {
  const bodies: Buffer[] = [];
  const records: Buffer[] = [];
  const starts: number[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const content = Buffer.from(entry.content ?? '');
    const method = entry.method ?? 8;
    const data = method === 8 ? deflateRawSync(content) : content;
    const crc = entry.crc ?? crc32(content);
    const size = entry.size ?? content.length;
    const flags = entry.flags ?? 0x0800;
    if (entry.sameAs === undefined) {
      const localName = Buffer.from(entry.localName ?? name);
      const header = Buffer.alloc(30);
      header.writeUInt32LE(0x04034b50, 0);
      header.writeUInt16LE(20, 4);
      header.writeUInt16LE(flags, 6);
      header.writeUInt16LE(method, 8);
      header.writeUInt32LE(crc, 14);
      header.writeUInt32LE(data.length, 18);
      header.writeUInt32LE(size, 22);
      header.writeUInt16LE(localName.length, 26);
      bodies.push(header, localName, data);
      starts.push(at);
      at += header.length + localName.length + data.length;
    } else starts.push(starts[entry.sameAs] ?? 0);
    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt16LE((3 << 8) | 20, 4);
    record.writeUInt16LE(20, 6);
    record.writeUInt16LE(flags, 8);
    record.writeUInt16LE(method, 10);
    record.writeUInt32LE(crc, 16);
    record.writeUInt32LE(data.length, 20);
    record.writeUInt32LE(size, 24);
    record.writeUInt16LE(name.length, 28);
    record.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 38);
    record.writeUInt32LE(starts.at(-1) ?? 0, 42);
    records.push(Buffer.concat([record, name]));
  }
  const directory = Buffer.concat(records);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, directory, end]);
}

/** As many entries in its directory, as short as they can be; more than the old fields can count, so in 64-bit ones. */
export function crowded(entries: number): Buffer {
  const record = handMade([{ name: 'a' }]).subarray(-22 - 47, -22);
  const directory = Buffer.alloc(entries * record.length, record);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(44n, 4);
  end64.writeBigUInt64LE(BigInt(entries), 24);
  end64.writeBigUInt64LE(BigInt(entries), 32);
  end64.writeBigUInt64LE(BigInt(directory.length), 40);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(directory.length), 8);
  locator.writeUInt32LE(1, 16);
  const end = Buffer.alloc(22, 0xff);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(0, 4);
  end.writeUInt16LE(0, 20);
  return Buffer.concat([directory, end64, locator, end]);
}

export function python(script: string, ...args: readonly string[]): void {
  execFileSync('python3', ['-c', script, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Path, mode and content of every file below a directory, sorted; hidden ones too. */
export function filesIn(directory: string): Record<string, string> {
  const found: [string, string][] = [];
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    const mode = (statSync(path).mode & 0o7777).toString(8);
    found.push([path.slice(directory.length + 1), `${mode} ${readFileSync(path, 'utf8').slice(0, 100)}`]);
  }
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}
