import { relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { isCode, isPackageFolder } from './code-listing.ts';

export interface FolderWatcherOptions {
  readonly directory: string;
  /** A folder must be quiet this long (at least 120 ms) … */
  readonly settleMs: number;
  /** … but is looked at after this long in any case. */
  readonly settleAtMostMs: number;
  /** Called with the name of a folder in `directory` in which something may have changed. */
  readonly settled: (folder: string) => void;
  /** The bots folder itself came or went. */
  readonly rootChanged: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * chokidar drops changes of a file within 50 ms after one it told of, and removals within 100 ms, and does not make up for
 * it (`_throttle`). So what is quiet for it may not be quiet: a look that is to see the end of it must wait longer.
 */
const SHORTEST_SETTLE_MS = 120;

/**
 * Watches the bots folder and turns bursts of events into one call per bot folder.
 *
 * An event only says where to look, never what happened: a folder that is deleted and made again while it settles (an
 * editor, a checkout) is simply looked at.
 */
export class FolderWatcher {
  readonly #options: FolderWatcherOptions;
  readonly #settling = new Map<string, { timer: NodeJS.Timeout; since: number }>();
  #watcher: FSWatcher | null = null;

  constructor(options: FolderWatcherOptions) {
    this.#options = options;
  }

  /** Resolves when nothing that happens from now on is missed. */
  async start(): Promise<void> {
    const watcher = watch(this.#options.directory, {
      ignoreInitial: true,
      // Settling does what this is for, for all events.
      atomic: false,
      followSymlinks: false,
      ignored: (path) => this.#isIgnored(path),
    });
    this.#watcher = watcher;
    watcher.on('all', (_event, path) => {
      const folder = relative(this.#options.directory, path).split(sep)[0] ?? '';
      if (folder === '') this.#options.rootChanged();
      else this.touch(folder);
    });
    watcher.on('error', (error) => this.#options.failed(error));
    await new Promise<void>((resolve) => watcher.once('ready', resolve));
  }

  /** Lets the folder settle (again). */
  touch(folder: string): void {
    if (this.#watcher === null) return;
    const now = performance.now();
    const settling = this.#settling.get(folder);
    const since = settling?.since ?? now;
    if (settling !== undefined) clearTimeout(settling.timer);
    const settleMs = Math.max(this.#options.settleMs, SHORTEST_SETTLE_MS);
    const atMostMs = Math.max(this.#options.settleAtMostMs, 2 * settleMs);
    const leftMs = Math.max(0, since + atMostMs - now);
    const timer = setTimeout(
      () => {
        this.#settling.delete(folder);
        this.#options.settled(folder);
        // Not quiet yet, so this look may not have seen the last of it.
        if (leftMs < settleMs) this.touch(folder);
      },
      Math.min(settleMs, leftMs),
    );
    this.#settling.set(folder, { timer, since });
  }

  async close(): Promise<void> {
    const watcher = this.#watcher;
    this.#watcher = null;
    for (const { timer } of this.#settling.values()) clearTimeout(timer);
    this.#settling.clear();
    await watcher?.close();
  }

  /** What does not count as code is not worth a watch; of installed packages only what comes and goes at the top is. */
  #isIgnored(path: string): boolean {
    const parts = relative(this.#options.directory, path).split(sep);
    const packages = parts.findIndex((name, depth) => depth > 0 && isPackageFolder(name));
    if (packages !== -1 && parts.length > packages + 2) return true;
    return parts.some((name, depth) => name !== '' && !isCode(name, packages !== -1 && depth > packages));
  }
}
