import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../errno.ts';
import { BOT_JSON } from './bot-json.ts';
import { BotsFolderError } from './bots-folder-error.ts';
import { isCode } from './code-listing.ts';

/** How the bots folder is found, compared with the last time. */
export type RootFinding = 'same' | 'another' | BotsFolderError;

/**
 * The bots folder itself. Deleting bots and losing the folder (an unmounted disk, a network share that is away) look alike
 * from inside, but only the first may stop bots. So: a folder that is gone, or whose place is taken by an empty one, is
 * *lost*; one that is there, and the same, is believed whatever it holds.
 */
export class BotsRoot {
  readonly directory: string;
  #identity: Identity | null = null;

  constructor(directory: string) {
    this.directory = directory;
  }

  async look(): Promise<RootFinding> {
    let identity: Identity;
    try {
      identity = await identify(this.directory);
      if (this.#identity !== null && isSame(identity, this.#identity)) {
        this.#identity = identity;
        return 'same';
      }
      if (this.#identity !== null && !(await this.#holdsBots())) {
        return new BotsFolderError(
          'bots-folder-replaced',
          `an empty folder has taken the place of the bots folder ${this.directory}; all bots are kept as they are`,
          'Bring the folder back (is a disk not mounted?), or restart the runtime if the bots are really to go.',
        );
      }
    } catch (error) {
      return this.#lost(error);
    }
    this.#identity = identity;
    return 'another';
  }

  /** Folders that may be bots, links, which are not followed, and whether it is a bot itself. @throws BotsFolderError */
  async list(): Promise<{ folders: string[]; links: string[]; isBot: boolean }> {
    try {
      const entries = (await readdir(this.directory, { withFileTypes: true })).filter(({ name }) =>
        isCode(name, false),
      );
      return {
        folders: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
        links: entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name),
        isBot: entries.some((entry) => entry.isFile() && entry.name === BOT_JSON),
      };
    } catch (error) {
      throw this.#lost(error);
    }
  }

  async #holdsBots(): Promise<boolean> {
    const { folders } = await this.list();
    for (const folder of folders) {
      const found = await stat(join(this.directory, folder, BOT_JSON)).catch(() => null);
      if (found !== null) return true;
    }
    return false;
  }

  #lost(error: unknown): BotsFolderError {
    if (error instanceof BotsFolderError) return error;
    const code = errnoOf(error) ?? 'unknown error';
    const options = { cause: error };
    switch (code) {
      case 'ENOENT':
        return new BotsFolderError(
          'bots-folder-missing',
          `the bots folder ${this.directory} does not exist`,
          'Make it, or name another with --bots.',
          options,
        );
      case 'ENOTDIR':
        return new BotsFolderError(
          'bots-folder-not-a-directory',
          `the bots folder ${this.directory} is not a folder`,
          'Name the folder that holds one folder per bot with --bots.',
          options,
        );
      default:
        return new BotsFolderError(
          'bots-folder-unreadable',
          `the bots folder ${this.directory} cannot be read (${code})`,
          'Make it readable for the user that runs the runtime.',
          options,
        );
    }
  }
}

/** A folder on disk, whatever its name. */
interface Identity {
  readonly device: number;
  readonly inode: number;
  /** Inodes are used again at once, so this is needed too; null where the file system seems to have none of its own. */
  readonly bornAt: number | null;
}

async function identify(directory: string): Promise<Identity> {
  const stats = await stat(directory);
  if (!stats.isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
  const { dev, ino, birthtimeMs, ctimeMs } = stats;
  return { device: dev, inode: ino, bornAt: birthtimeMs === ctimeMs || birthtimeMs === 0 ? null : birthtimeMs };
}

function isSame(a: Identity, b: Identity): boolean {
  const bornTogether = a.bornAt === null || b.bornAt === null || a.bornAt === b.bornAt;
  return a.device === b.device && a.inode === b.inode && bornTogether;
}
