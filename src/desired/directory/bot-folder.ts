import { constants } from 'node:fs';
import { lstat, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SpecProblem } from '../../../actors/bot-spec.ts';
import { errnoOf } from '../../errno.ts';
import type { BotDefinition } from '../bot-definition.ts';
import { type DescribedBot, revisionOf, withProblem } from '../described-bot.ts';
import { BOT_JSON, type ParsedBotJson, parseBotJson } from './bot-json.ts';
import type { CodeCopies } from './code-copies.ts';
import {
  CodeInMotion,
  type CodeLimits,
  type CodeListing,
  CodeUnusable,
  codeDigest,
  hashCode,
  listCode,
} from './code-listing.ts';

export interface BotFolderOptions {
  readonly codeCopies: CodeCopies;
  readonly codeLimits: CodeLimits;
  /** Largest `bot.json`. */
  readonly botJsonBytes: number;
  /** Whether there is an object store that a bot's code may be in. */
  readonly hasCodeStore?: boolean;
}

/** Files changed this short before they were listed may change again without a new time: their stamp proves nothing. */
const FRESH_MS = 1_000;

/** What an operation of the file system that failed means, in words; others are named by their code. */
const MEANING: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOSPC: 'the disk of the data directory is full',
  EDQUOT: 'the disk quota of the data directory is used up',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
};

/** What is no fault of the bot folder; `code-unreadable` gives other advice for it. */
const FAULT_OF_HOST: Readonly<Record<string, string>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EMFILE: 'open-files',
  ENFILE: 'open-files',
};

/** One bot folder, and what was found in it last. */
export class BotFolder {
  readonly name: string;
  readonly #path: string;
  readonly #options: BotFolderOptions;
  #copied: { stamp: string; revision: string; digest: string } | null = null;

  constructor(directory: string, name: string, options: BotFolderOptions) {
    this.name = name;
    this.#path = join(directory, name);
    this.#options = options;
  }

  async isThere(): Promise<boolean> {
    const stats = await lstat(this.#path).catch(() => null); // what cannot be looked at is not there for anybody
    return stats?.isDirectory() === true;
  }

  /** @returns null when there is no `bot.json`, so (for now) no bot */
  async readBotJson(): Promise<ParsedBotJson | null> {
    const told = `${this.name}/${BOT_JSON}`;
    try {
      if (!(await lstat(this.#path)).isDirectory()) return null;
      // Opening a pipe would wait for its writer, and a device has no end.
      const file = await open(join(this.#path, BOT_JSON), constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const stats = await file.stat();
        if (!stats.isFile()) return unreadable(told, 'not a file');
        if (stats.size > this.#options.botJsonBytes) {
          return unreadable(told, `larger than ${Math.round(this.#options.botJsonBytes / 1024)} KiB`);
        }
        return parseBotJson(await file.readFile('utf8'), told);
      } finally {
        await file.close();
      }
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      return unreadable(told, meaningOf(error));
    }
  }

  /**
   * The definition of a bot, with its code copied. Problems of the code are in the definition.
   * @throws CodeInMotion
   */
  async define(bot: DescribedBot): Promise<BotDefinition> {
    try {
      if (bot.filePath !== '' && !(await this.#hasFile(bot.entrypoint))) return this.#defineStored(bot);
      const listing = await listCode(this.#path, this.#options.codeLimits);
      // Whoever finds a file path fetches the code from there.
      return { ...bot, filePath: '', specRevision: await this.#copy(bot, listing), problem: null };
    } catch (error) {
      const code = errnoOf(error);
      // ENOENT: a file went between the look at its folder and the look at itself.
      if (code === 'code-in-motion' || code === 'code-changed' || code === 'ENOENT') {
        throw new CodeInMotion(this.name, { cause: error });
      }
      return withProblem(bot, { code: 'code-unreadable', facts: this.#codeFacts(error) });
    }
  }

  /** The folder says only what should run; the code is an archive in the object store, which never changes. */
  #defineStored(bot: DescribedBot): BotDefinition {
    if (this.#options.hasCodeStore === true) return { ...bot, specRevision: revisionOf(bot, ''), problem: null };
    const detail = 'custom.filePath names an archive in an object store, and none is configured (MINIO_ENDPOINT)';
    return withProblem(bot, { code: 'code-unreadable', facts: { path: `${this.name}/${BOT_JSON}`, detail } });
  }

  async #hasFile(path: string): Promise<boolean> {
    try {
      return path !== '' && (await stat(join(this.#path, path))).isFile();
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return false;
      throw error;
    }
  }

  /** @returns the revision; reads no file when nothing has changed since the last time */
  async #copy(bot: DescribedBot, listing: CodeListing): Promise<string> {
    const last = this.#copied;
    const isSame = last?.stamp === listing.stamp && revisionOf(bot, last.digest) === last.revision;
    if (isSame && (await this.#options.codeCopies.hasCopy(bot.id, last.revision))) return last.revision;
    const listedAt = Date.now();
    const files = await hashCode(listing);
    const digest = codeDigest(files);
    const revision = revisionOf(bot, digest);
    await this.#options.codeCopies.copyCode(bot.id, revision, listing.folder, files);
    this.#copied = listedAt - listing.changedAt > FRESH_MS ? { stamp: listing.stamp, revision, digest } : null;
    return revision;
  }

  #codeFacts(error: unknown): SpecProblem['facts'] {
    if (error instanceof CodeUnusable) {
      return { path: error.path === '' ? this.name : `${this.name}/${error.path}`, detail: error.message };
    }
    const at = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : '';
    const isInside = at.startsWith(`${this.#path}/`);
    const fault =
      FAULT_OF_HOST[errnoOf(error) ?? ''] ?? (at === '' || isInside || at === this.#path ? null : 'data-directory');
    return {
      path: `${this.name}${isInside ? at.slice(this.#path.length) : ''}`,
      detail: meaningOf(error),
      ...(fault === null ? {} : { fault }),
    };
  }
}

function unreadable(path: string, detail: string): ParsedBotJson {
  return { bot: null, id: null, problem: { code: 'spec-unreadable', facts: { path, detail } } };
}

function meaningOf(error: unknown): string {
  const code = errnoOf(error);
  if (code !== null) return MEANING[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}
