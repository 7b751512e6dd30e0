import { type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';

/**
 * Says in which directories of a tree something has changed. Node's own recursive watch also watches every single file; a
 * watch for each directory is enough, as inotify(7) tells of what happens to the files in it.
 *
 * Watches may run out: then `isComplete` is false, and somebody has to look from time to time.
 */
export class StateWatch {
  readonly #root: string;
  readonly #mostDirectories: number;
  readonly #onChange: (directory: string) => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #missing = 0;
  #closed = false;

  /** @param onChange told the directory, relative to the root, which is '' */
  constructor(root: string, mostDirectories: number, onChange: (directory: string) => void) {
    this.#root = root;
    this.#mostDirectories = mostDirectories;
    this.#onChange = onChange;
  }

  /** Every directory of the tree is watched. */
  get isComplete(): boolean {
    return this.#missing === 0 && this.#watchers.has('');
  }

  /** Watches all that is there and not watched yet; to be called again when the watch is not complete. */
  start(): void {
    this.#missing = 0;
    this.#add('');
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** With all that is below. First the watch, then the look: what is made in between is seen at least once. */
  #add(first: string): void {
    const waiting = [first];
    for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
      if (!this.#watchers.has(directory) && !this.#watchOne(directory)) {
        this.#missing += 1;
        return;
      }
      for (const name of this.#directoriesIn(directory)) waiting.push(nameIn(directory, name));
    }
  }

  #watchOne(directory: string): boolean {
    if (this.#watchers.size >= this.#mostDirectories) return false;
    try {
      const watcher = watch(this.#pathOf(directory), { persistent: false }, (event, name) =>
        this.#changed(directory, event === 'rename' ? name : null),
      );
      watcher.on('error', () => {
        this.#drop(directory);
        this.#missing += 1;
      });
      this.#watchers.set(directory, watcher);
      return true;
    } catch {
      // No more watches (ENOSPC, EMFILE), or it is gone again; either way somebody will have to look.
      return false;
    }
  }

  #changed(directory: string, renamed: string | null): void {
    if (this.#closed) return;
    this.#onChange(directory);
    if (renamed === null) return;
    const name = nameIn(directory, renamed);
    if (!this.#isDirectory(name)) {
      this.#drop(name);
      if (directory !== '' && !this.#isDirectory(directory)) this.#drop(directory);
      return;
    }
    // It may be another directory by the same name.
    this.#drop(name);
    this.#add(name);
    for (const watched of this.#watchers.keys()) if (isIn(watched, name)) this.#onChange(watched);
  }

  #drop(directory: string): void {
    for (const [watched, watcher] of this.#watchers) {
      if (!isIn(watched, directory)) continue;
      watcher.close();
      this.#watchers.delete(watched);
    }
  }

  #directoriesIn(directory: string): string[] {
    try {
      const entries = readdirSync(this.#pathOf(directory), { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    } catch {
      return []; // Gone again, or not readable: then nothing of it can be stored either.
    }
  }

  #isDirectory(name: string): boolean {
    try {
      return lstatSync(this.#pathOf(name), { throwIfNoEntry: false })?.isDirectory() ?? false;
    } catch {
      return false; // Nor can anything in it be seen.
    }
  }

  #pathOf(directory: string): string {
    return directory === '' ? this.#root : `${this.#root}/${directory}`;
  }
}

function nameIn(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function isIn(name: string, directory: string): boolean {
  return name === directory || name.startsWith(`${directory}/`);
}
