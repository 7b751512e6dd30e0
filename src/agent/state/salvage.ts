import { packMember } from '../../storage/archive/pack-member.ts';
import { type ArchiveLimits, readArchive } from '../../storage/archive/read-archive.ts';
import type { Spool } from '../../storage/archive/spool.ts';
import type { TarEntry } from '../../storage/archive/tar-entry.ts';
import type { PackedEntry } from '../../storage/archive/upload-plan.ts';

/**
 * Packs what an archive holds of some names: their last good versions, when the archive itself is one whose parts cannot
 * be kept.
 *
 * @param aside an empty spool, for their content
 * @throws ArchiveError, and what the archive's bytes and the spools throw
 */
export async function salvage(
  archive: AsyncIterable<Buffer>,
  names: ReadonlySet<string>,
  limits: ArchiveLimits,
  aside: Spool,
  spool: Spool,
): Promise<Map<string, PackedEntry>> {
  const found = new Map<string, { readonly entry: TarEntry; readonly from: number }>();
  let wanted = false;
  const { index } = await readArchive(
    archive,
    {
      begin: (entry) => {
        wanted = names.has(entry.name);
        if (wanted) found.set(entry.name, { entry, from: aside.length });
      },
      data: (bytes) => {
        if (wanted) aside.append(bytes);
      },
      end: () => {},
    },
    limits,
  );
  const packed = new Map<string, PackedEntry>();
  for (const [name, { entry, from }] of found) {
    const { kind, mode, size } = entry;
    const at = await packMember(spool, entry, aside.read(from, from + size));
    packed.set(name, { kind, mode, size, digest: index.entries.get(name)?.digest ?? '', at });
  }
  return packed;
}
