import { type Listed, sha256 } from '../../storage/archive/other-readers.ts';

/** What a name may stand for: `file <hash>`, `link <target>`, `directory`, or nothing. */
export type Version = string;
export const ABSENT: Version = 'nothing';
export const DIRECTORY: Version = 'directory';

export function fileVersion(bytes: Buffer | string): Version {
  return `file ${sha256(Buffer.from(bytes))}`;
}

export function linkVersion(target: string): Version {
  return `link ${target}`;
}

/** Every version of every name that a bot has ever written, in order, and which of them are known to be stored. */
export class Journal {
  readonly #versions = new Map<string, Version[]>();
  /** From here on: what came before has been replaced in the store for good. */
  readonly #floor = new Map<string, number>();

  /** To be called before the disk has it: the agent may be quick. */
  write(name: string, version: Version): void {
    const versions = this.#versions.get(name) ?? [ABSENT];
    if (versions.at(-1) !== version) versions.push(version);
    this.#versions.set(name, versions);
  }

  /** The store has been seen to hold this when all was quiet: nothing older may come back. */
  confirm(tree: ReadonlyMap<string, Version>): void {
    for (const [name, versions] of this.#versions) {
      const at = versions.lastIndexOf(tree.get(name) ?? ABSENT);
      this.#floor.set(name, Math.max(at, this.#floor.get(name) ?? 0));
    }
  }

  /** Somebody else has taken these out of the store; what the bot has stays the newest. */
  removedByOthers(names: Iterable<string>): void {
    for (const name of names) {
      const versions = this.#versions.get(name);
      const newest = versions?.at(-1);
      if (versions === undefined || newest === undefined || newest === ABSENT) continue;
      versions.push(ABSENT, newest);
    }
  }

  /** A new container began with this. */
  rollBackTo(tree: ReadonlyMap<string, Version>): void {
    for (const name of this.#versions.keys()) if (!tree.has(name)) this.write(name, ABSENT);
    for (const [name, version] of tree) this.write(name, version);
  }

  /** @returns what is wrong with that as a stored state; nothing when all is well */
  faultsOf(tree: ReadonlyMap<string, Version>): string[] {
    const names = new Set([...this.#versions.keys(), ...tree.keys()]);
    return [...names].flatMap((name) => {
      const found = tree.get(name) ?? ABSENT;
      const versions = this.#versions.get(name) ?? [ABSENT];
      const floor = this.#floor.get(name) ?? 0;
      const at = versions.lastIndexOf(found);
      if (at >= floor) return [];
      if (at === -1) return [`${name} is ${found}, which the bot never wrote`];
      return [`${name} is ${found}, version ${at} of ${versions.length}, but version ${floor} had been stored`];
    });
  }
}

export function versionsOf(tree: readonly Listed[]): Map<string, Version> {
  return new Map(tree.map((listed) => [listed.name, versionOf(listed)]));
}

function versionOf({ type, target, sha256: digest }: Listed): Version {
  if (type === '5') return DIRECTORY;
  return type === '2' ? linkVersion(target) : `file ${digest}`;
}
