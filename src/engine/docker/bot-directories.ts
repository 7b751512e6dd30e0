import { constants } from 'node:fs';
import { access, chmod, lchown, lstat, mkdir, opendir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BotDefinition } from '../../desired/bot-definition.ts';
import { STATE_FOLDER } from '../bot-environment.ts';
import { EngineError } from '../container-engine.ts';

/** User and group of everything in a container (contract 5.2). */
export const BOT_USER = 1000;

/** Where the file system store keeps a bot's files, as Docker sees them: they are mounted into its container (design 9). */
export interface BotDirectories {
  readonly codeDirOf: (botId: string, specRevision: string) => string;
  readonly stateDirOf: (botId: string) => string;
  readonly logsDirOf: (botId: string) => string;
  /** Where query runs have a directory each, for as long as they last. */
  readonly queryRuns: string;
}

/**
 * Makes the state and log directory of a bot that is not in the object store, so that the container's user can write there.
 * @throws EngineError `code-unavailable` when the code is not there, `rejected` when a directory cannot be made
 */
export async function prepareDirectories(directories: BotDirectories, definition: BotDefinition): Promise<void> {
  await expectCode(directories.codeDirOf(definition.id, definition.specRevision), definition.id);
  for (const directory of [directories.stateDirOf(definition.id), directories.logsDirOf(definition.id)]) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await makeWritable(directory);
    } catch (cause) {
      const detail = `${directory} cannot be prepared: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new EngineError(
        { code: 'rejected', facts: { detail } },
        `Bot ${definition.id} cannot be started: ${detail}.`,
        { cause },
      );
    }
  }
}

async function expectCode(code: string, botId: string): Promise<void> {
  try {
    await access(code, constants.R_OK | constants.X_OK);
  } catch (cause) {
    const failure = { code: 'code-unavailable', facts: { detail: `no readable directory ${code}` } } as const;
    throw new EngineError(failure, `Bot ${botId} cannot be started: its code is not in ${code}.`, { cause });
  }
}

/**
 * As root the files are given to the bot's user. Otherwise the directory is opened to everybody: it lies in a folder which
 * only its owner can enter, and past which Docker mounts it.
 */
export async function makeWritable(directory: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    if ((await lstat(directory)).uid !== BOT_USER) await chmod(directory, 0o777);
    return;
  }
  if (await hasForeignFiles(directory)) await give(directory);
}

/** Looks at the top and at the SDK's own folder only: enough to notice files that another engine's bot wrote as root. */
async function hasForeignFiles(directory: string): Promise<boolean> {
  for (const folder of [directory, join(directory, STATE_FOLDER)]) {
    const entries = await readdir(folder).catch(() => null);
    if (entries === null) continue;
    for (const entry of ['.', ...entries]) {
      if ((await lstat(join(folder, entry))).uid !== BOT_USER) return true;
    }
  }
  return false;
}

/** Never follows a link: a bot can make links to anywhere. */
async function give(path: string): Promise<void> {
  await lchown(path, BOT_USER, BOT_USER);
  if (!(await lstat(path)).isDirectory()) return;
  for await (const entry of await opendir(path)) await give(join(path, entry.name));
}
