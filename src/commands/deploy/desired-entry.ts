import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BOT_JSON, type BotJson, parseBotJson } from '../../desired/directory/bot-json.ts';
import { errnoOf } from '../../errno.ts';
import { DeployError } from './deploy-error.ts';

/** Where a bot's entry in a folder of bots is, or will be. */
export interface DesiredEntry {
  /** The bot's folder. */
  readonly path: string;
  readonly isNew: boolean;
}

/**
 * Finds the entry of this bot: the folder with its id, or a new one.
 * @throws DeployError when the bot runs from files in the folder, or the place is taken
 */
export async function findEntry(botsFolder: string, { id }: Pick<BotJson, 'id'>): Promise<DesiredEntry> {
  const folders = await readdir(botsFolder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new DeployError(
      `the folder of bots, ${botsFolder}, ${errnoOf(cause) === 'ENOENT' ? 'is not there' : `cannot be read (${errnoOf(cause) ?? String(cause)})`}`,
      'Make it, or name the folder that the runtime watches with --bots (THE0_BOTS).',
      { cause },
    );
  });
  for (const folder of folders) {
    if (!folder.isDirectory() || folder.name.startsWith('.')) continue;
    const path = join(botsFolder, folder.name);
    const text = await readFile(join(path, BOT_JSON), 'utf8').catch(() => null); // no bot, so not this one
    const found = text === null ? null : parseBotJson(text, BOT_JSON);
    if (found === null || found.id !== id) continue;
    if (found.bot !== null && (await isFile(join(path, found.bot.entrypoint)))) {
      throw new DeployError(
        `${path} has the files of bot ${id} and runs it from there`,
        'A bot runs from one place: move that folder away, or leave it as it is and deploy nothing.',
      );
    }
    return { path, isNew: false };
  }
  const path = join(botsFolder, id);
  if (folders.some(({ name }) => name === id)) {
    throw new DeployError(`${path} is there already and is not bot ${id}`, 'Move it away, or give the bot another id.');
  }
  return { path, isNew: true };
}

/** Makes it desired: its `bot.json`, as it is, but for where its code is. Appears whole. */
export async function writeEntry({ path }: DesiredEntry, text: string, filePath: string, mode: number): Promise<void> {
  const entry = `${JSON.stringify(withFilePath(JSON.parse(text.replace(/^\uFEFF/, '')), filePath), null, 2)}\n`;
  await mkdir(path, { recursive: true });
  const temporary = join(path, `.${BOT_JSON}.${process.pid}`);
  try {
    await writeFile(temporary, entry, { flag: 'wx', mode: 0o600 });
    await chmod(temporary, mode);
    await rename(temporary, join(path, BOT_JSON));
  } finally {
    await rm(temporary, { force: true });
  }
}

function withFilePath(json: unknown, filePath: string): object {
  if (typeof json !== 'object' || json === null || !('custom' in json)) throw new Error('bot.json has no custom');
  if (typeof json.custom !== 'object' || json.custom === null) throw new Error('bot.json has no custom');
  return { ...json, custom: { ...json.custom, filePath } };
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => null); // whatever it is, it is no file that could run
  return stats?.isFile() === true;
}
