import { createHash } from 'node:crypto';

/** Which folder each bot id belongs to, and how folders without an id of their own are called. Pure. */
export interface Claims {
  /** Bot id to folder. */
  readonly owners: ReadonlyMap<string, string>;
  /** Folder to the id under which it is shown. */
  readonly shownAs: ReadonlyMap<string, string>;
}

export const NO_CLAIMS: Claims = { owners: new Map(), shownAs: new Map() };

/**
 * Decides who owns which id. The folder that has an id keeps it; else the folder named like the id gets it, else the first
 * by name. So a copied folder does not take the bot away from the original, and a rename does not matter.
 *
 * @param wanted folder to the id in its `bot.json`, or null when that could not be read
 */
export function settleClaims(wanted: ReadonlyMap<string, string | null>, before: Claims): Claims {
  const owners = new Map<string, string>();
  for (const [folder, id] of [...wanted].sort(byName)) {
    if (id === null) continue;
    const owner = owners.get(id);
    if (owner === undefined || rank(folder, id, before) < rank(owner, id, before)) owners.set(id, folder);
  }
  const shownAs = new Map([...owners].map(([id, folder]) => [folder, id]));
  const taken = new Set(owners.keys());
  for (const folder of [...wanted.keys()].sort()) {
    if (shownAs.has(folder)) continue;
    const name = nameFor(folder, taken);
    shownAs.set(folder, name);
    taken.add(name);
  }
  return { owners, shownAs };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function rank(folder: string, id: string, before: Claims): number {
  if (before.owners.get(id) === folder) return 0;
  return folder === id ? 1 : 2;
}

/** The folder's name made fit for an id, and unlike all others. */
function nameFor(folder: string, taken: ReadonlySet<string>): string {
  const plain = folder.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 64);
  if (plain !== '' && !taken.has(plain)) return plain;
  for (let salt = 0; ; salt += 1) {
    const digest = createHash('sha256').update(`${folder}/${salt}`).digest('hex').slice(0, 6);
    const name = `${plain.slice(0, 57)}-${digest}`;
    if (!taken.has(name)) return name;
  }
}
