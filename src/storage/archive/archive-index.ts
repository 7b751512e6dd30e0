import type { ByteRange } from '../object-store.ts';

/** What the archive holds of one name. */
export interface StoredEntry {
  readonly kind: 'file' | 'directory' | 'link';
  /** Permission bits. */
  readonly mode: number;
  /** Bytes of content. */
  readonly size: number;
  /** Of content or link target, see content-digest.ts; empty for a directory. */
  readonly digest: string;
  /** Its member in the object. */
  readonly at: ByteRange;
  /** Members of the same name before it, which it overrides. They go when it goes. */
  readonly older: readonly ByteRange[];
}

/** What a store's archive holds, and where. Never changed: the next version is another index. */
export class ArchiveIndex {
  readonly entries: ReadonlyMap<string, StoredEntry>;
  /** Where the end member begins; null: its parts cannot be addressed, because another program wrote it. */
  readonly endOffset: number | null;
  /** Bytes of all current members. */
  readonly liveBytes: number;

  constructor(entries: ReadonlyMap<string, StoredEntry>, endOffset: number | null) {
    this.entries = entries;
    this.endOffset = endOffset;
    let live = 0;
    for (const { at } of entries.values()) live += at.to - at.from;
    this.liveBytes = live;
  }

  static readonly EMPTY = new ArchiveIndex(new Map(), null);
}
