import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { formatByteSize } from '../config/byte-size.ts';
import type { Setting } from '../config/setting.ts';
import type { Settings } from '../config/settings.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { isEveryday, OTHER_FLAGS } from './everyday-flags.ts';
import { UsageError } from './exit-code.ts';
import { tellStoreError } from './store-advice.ts';
import { errStyle, note, print, printJson } from './terminal/output.ts';
import { plainLine } from './terminal/plain-text.ts';
import { type Outcome, settingOption } from './verb.ts';

const DEFAULT_OWNER = 'local';
const PROGRESS_MS = 200;
/** Beside the store's own. */
const SETTINGS = ['bots', 'code-files', 'code-size', 'agent-code-file', 'agent-code-ratio', 'bot-json-size'];

/** @param table empty when another verb was named */
export function addDeploy(program: Command, _outcome: Outcome, table: readonly Setting<unknown>[]): void {
  const command = program
    .command('deploy')
    .argument('<dir>', 'folder of the bot, with its bot.json')
    .description('upload a bot to the object store, and have it run from there')
    .option('--owner <id>', 'whose bot it is: the first part of its name in the store', DEFAULT_OWNER)
    .option('--json', 'as JSON: {id, version, filePath, uploaded, sizeBytes, files, entry}')
    .addHelpText(
      'after',
      `
Checks the bot, packs it, uploads it as <owner>/<name>/<version>, and puts a
folder with its bot.json into the folder of bots, whose runtime then fetches the
code from the store. Not packed: bot.json (it may hold secrets), hidden files,
caches and logs. vendor/ and node_modules/ are. A version that was deployed
never changes: raise custom.version in bot.json.

${OTHER_FLAGS}

Examples:
  $ export MINIO_ENDPOINT=localhost:9000 MINIO_ACCESS_KEY=… MINIO_SECRET_KEY=…
  $ npx the0-runtime deploy ./my-bot --bots ~/bots`,
    );
  const settings = table.filter(({ flag, group }) => group === 'store' || SETTINGS.includes(flag));
  for (const setting of settings) {
    const option = settingOption(setting);
    command.addOption(isEveryday(setting) ? option : option.hideHelp());
  }
  command.action(async (dir: string, options: { owner: string; json?: true }, self: Command) => {
    const flags = Object.fromEntries(
      settings.map(({ flag }) => {
        const option = self.options.find(({ long }) => long === `--${flag}`);
        const value: unknown = option === undefined ? undefined : self.getOptionValue(option.attributeName());
        return [flag, typeof value === 'string' ? value : undefined];
      }),
    );
    const { loadSettings } = await import('../config/load-settings.ts');
    const { settings: values } = loadSettings(process.env, flags);
    const { store, bucket, endpoint } = await openCodeStore(values);
    try {
      const progress = options.json === true || process.stderr.isTTY !== true ? null : new ProgressLine();
      const deployed = await deploy(
        { folder: resolve(dir), owner: options.owner, settings: values, store, bucket },
        (sentence) => progress?.show(sentence),
      ).finally(() => progress?.clear());
      if (options.json === true) printJson(deployed);
      else print(sentenceFor(deployed));
    } catch (error) {
      throw tellStoreError(endpoint, error);
    } finally {
      store.close();
    }
  });
}

export interface Deployment {
  readonly folder: string;
  readonly owner: string;
  readonly settings: Settings;
  readonly store: ObjectStore;
  /** The one for code. */
  readonly bucket: string;
}

export interface Deployed {
  readonly id: string;
  readonly version: string;
  readonly filePath: string;
  /** False: this very code was there already. */
  readonly uploaded: boolean;
  /** Of the archive. */
  readonly sizeBytes: number;
  readonly files: number;
  /** The folder that makes it desired. */
  readonly entry: string;
}

/**
 * Check, pack, upload, then make it desired: whatever fails, no bot is left that names code that is not there.
 * @param progress told what is going on, often
 * @throws DeployError, StoreError, or the file system's error
 */
export async function deploy(
  { folder, owner, settings, store, bucket }: Deployment,
  progress: (sentence: string) => void,
): Promise<Deployed> {
  const { botToDeploy } = await import('./deploy/bot-to-deploy.ts');
  const { codeKey, uploadCode } = await import('./deploy/code-object.ts');
  const { findEntry, writeEntry } = await import('./deploy/desired-entry.ts');
  const { packCode } = await import('../storage/code-archive/pack.ts');
  const { isBomb } = await import('../storage/code-archive/extract.ts');
  const { DeployError } = await import('./deploy/deploy-error.ts');
  const { codeLimits: code, botJsonBytes } = settings.directory;
  const { codeFileBytes, codeRatio } = settings.agent;
  const { bot, text, mode, files, sizeBytes } = await botToDeploy(folder, { code, codeFileBytes, botJsonBytes });
  const key = codeKey(owner, bot);
  const entry = await findEntry(resolve(settings.bots), bot);
  const workspace = await mkdtemp(join(tmpdir(), 'the0-deploy-'));
  try {
    const archive = join(workspace, 'code.zip');
    const packed = await packCode(folder, files, archive, (done) => progress(`packing ${share(done, sizeBytes)}`));
    if (isBomb(sizeBytes, packed.sizeBytes, codeRatio)) {
      throw new DeployError(
        `the archive of the code unpacks to more than ${codeRatio} times its size, and no agent would do that`,
        'Leave out what is empty, or raise the limit where the bot runs and here (--agent-code-ratio).',
      );
    }
    const uploaded = await uploadCode(store, { bucket, key }, archive, packed, (done) =>
      progress(`uploading ${share(done, packed.sizeBytes)}`),
    );
    await writeEntry(entry, text, key, mode);
    return {
      id: bot.id,
      version: bot.version,
      filePath: key,
      uploaded,
      sizeBytes: packed.sizeBytes,
      files: files.length,
      entry: entry.path,
    };
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

async function openCodeStore(settings: Settings): Promise<{ store: ObjectStore; bucket: string; endpoint: string }> {
  const { openRuntimeStore } = await import('./object-store.ts');
  const opened = await openRuntimeStore(settings);
  if (opened === null) {
    throw new UsageError(
      'no object store is configured, so there is nowhere to deploy to',
      'Set MINIO_ENDPOINT, MINIO_ACCESS_KEY and MINIO_SECRET_KEY. Without a store, put the folder of the bot into the folder of bots.',
    );
  }
  const { store, access } = opened;
  return { store, bucket: access.buckets.code, endpoint: access.endpoint };
}

function sentenceFor({ id, version, filePath, uploaded, sizeBytes, files, entry }: Deployed): string {
  const how = uploaded
    ? `uploaded as ${filePath} (${files} files, ${shownSize(sizeBytes)})`
    : `was in the store already as ${filePath}`;
  return `${plainLine(id)} ${plainLine(version)} ${plainLine(how)}; ${plainLine(entry)} makes it run\n`;
}

function share(done: number, all: number): string {
  return `${shownSize(all)}: ${all === 0 ? 100 : Math.min(100, Math.floor((done * 100) / all))} %`;
}

/** Rounded to what a person reads. */
function shownSize(bytes: number): string {
  if (bytes < 1024) return formatByteSize(bytes);
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)}KiB` : `${Math.round(bytes / 1024 ** 2)}MiB`;
}

/** One line of a terminal that is written over. */
class ProgressLine {
  #shownAt = 0;

  show(sentence: string): void {
    const now = performance.now();
    if (now - this.#shownAt < PROGRESS_MS) return;
    this.#shownAt = now;
    note(`\r\u001b[2K${errStyle.paint('dim', sentence)}`);
  }

  clear(): void {
    if (this.#shownAt > 0) note('\r\u001b[2K');
  }
}
