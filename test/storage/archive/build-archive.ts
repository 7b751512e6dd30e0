import { tmpdir } from 'node:os';
import { ArchiveIndex } from '../../../src/storage/archive/archive-index.ts';
import { endMember } from '../../../src/storage/archive/gzip-member.ts';
import { packMember } from '../../../src/storage/archive/pack-member.ts';
import { Spool } from '../../../src/storage/archive/spool.ts';
import { type Stamp, stampNote } from '../../../src/storage/archive/stamp.ts';
import { encodeTarHeader } from '../../../src/storage/archive/tar-encode.ts';
import { paddingOf, type TarEntry } from '../../../src/storage/archive/tar-entry.ts';
import { type PackedEntry, planUpload } from '../../../src/storage/archive/upload-plan.ts';

export const STAMP: Stamp = { epoch: 1_700_000_000_000, seq: 7, nonce: 'abc-7' };
export const NO_LIMITS = { entries: 100_000, fileBytes: 2 ** 40, totalBytes: 2 ** 40 };

/** A piece of a tree, as short as a test wants to write it. */
export type Thing =
  | { readonly name: string; readonly content: Buffer | string; readonly mode?: number; readonly mtime?: number }
  | { readonly name: string; readonly directory: true; readonly mode?: number }
  | { readonly name: string; readonly target: string };

export function entryOf(thing: Thing): TarEntry {
  const common = { name: thing.name, mtime: 1_700_000_000, uid: 1000, gid: 1000, linkTarget: '', size: 0 };
  if ('target' in thing) return { ...common, kind: 'link', mode: 0o777, linkTarget: thing.target };
  if ('directory' in thing) return { ...common, kind: 'directory', mode: thing.mode ?? 0o755 };
  const size = Buffer.byteLength(thing.content);
  return { ...common, kind: 'file', mode: thing.mode ?? 0o644, size, mtime: thing.mtime ?? common.mtime };
}

export function contentOf(thing: Thing): Buffer[] {
  if (!('content' in thing)) return [];
  const whole = Buffer.from(thing.content);
  const chunks: Buffer[] = [];
  for (let at = 0; at < whole.length; at += 100_000) chunks.push(whole.subarray(at, at + 100_000));
  return chunks;
}

/** As another program writes it, before it is compressed. */
export function plainTar(things: readonly Thing[]): Buffer {
  const blocks = things.flatMap((thing) => {
    const entry = entryOf(thing);
    return [encodeTarHeader(entry), ...contentOf(thing), Buffer.alloc(paddingOf(entry.size))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** An archive of these, in this order, as it is first uploaded. */
export async function buildArchive(
  things: readonly Thing[],
  stamp = STAMP,
): Promise<{ readonly bytes: Buffer; readonly index: ArchiveIndex }> {
  const spool = new Spool(tmpdir(), 64 * 1024);
  try {
    const packed = new Map<string, PackedEntry>();
    const unnamed: Buffer[] = [];
    for (const thing of things) {
      const { name, kind, mode, size } = entryOf(thing);
      const at = await packMember(spool, entryOf(thing), contentOf(thing));
      packed.set(name, { kind, mode, size, digest: name, at });
      for (const chunk of spool.read(at.offset, at.offset + at.length)) unnamed.push(Buffer.from(chunk));
    }
    const { index } = planUpload(ArchiveIndex.EMPTY, { packed, removed: new Set() }, 0);
    return { bytes: Buffer.concat([...unnamed, endMember(stampNote(stamp))]), index };
  } finally {
    spool.close();
  }
}

/** Cut into pieces as a network might. */
export async function* chunked(bytes: Buffer, chunkBytes = 10_007): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
