import { readFile, stat } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { KNOWN_RUNTIMES } from '../../../actors/bot-spec.ts';
import { REASONS, type ReasonCode, type ReasonFacts } from '../../../actors/reason.ts';
import type { ReasonKind } from '../../../actors/reason-kind.ts';
import { BOT_JSON, type BotJson, parseBotJson } from '../../desired/directory/bot-json.ts';
import { type CodeLimits, type CodeListing, CodeUnusable, listCode } from '../../desired/directory/code-listing.ts';
import type { PackedFile } from '../../storage/code-archive/pack.ts';
import { DeployError } from './deploy-error.ts';

/** A bot's folder that was looked through and found fit. */
export interface BotToDeploy {
  readonly bot: BotJson;
  /** Its `bot.json` as it stands. */
  readonly text: string;
  readonly files: readonly PackedFile[];
  readonly sizeBytes: number;
  /** Of `bot.json`, which may hold secrets. */
  readonly mode: number;
}

export interface BotLimits {
  readonly code: CodeLimits;
  /** Of one file of the code: an agent takes no larger one out of an archive. */
  readonly codeFileBytes: number;
  readonly botJsonBytes: number;
}

/**
 * Reads a bot's folder as a watched one is read (src/desired/directory), so that what is deployed is what would run from
 * there: without `bot.json`, hidden files, caches and logs.
 * @throws DeployError in the words that `why` would use
 */
export async function botToDeploy(folder: string, limits: BotLimits): Promise<BotToDeploy> {
  const path = join(folder, BOT_JSON);
  const told = `${basename(folder)}/${BOT_JSON}`;
  const { text, mode } = await readText(path, limits.botJsonBytes);
  const { bot, problem } = parseBotJson(text, told);
  if (bot === null) throw refusal(problem.code, problem.facts);
  if (!KNOWN_RUNTIMES.includes(bot.runtime)) {
    throw refusal('runtime-unknown', { runtime: bot.runtime, known: KNOWN_RUNTIMES.join(', ') });
  }
  if (bot.entrypoint === '') throw refusal('entrypoint-undefined', {});
  const files = await filesOf(folder, await listed(folder, limits.code));
  for (const { path: name, sizeBytes } of files) {
    if (sizeBytes <= limits.codeFileBytes) continue;
    const detail = `it has ${sizeBytes} bytes, more than ${limits.codeFileBytes}`;
    throw refusal('code-too-large', { path: name, detail });
  }
  const names = new Set(files.map((file) => file.path));
  for (const entrypoint of [bot.entrypoint, bot.queryEntrypoint]) {
    if (entrypoint !== null && !names.has(posix.normalize(entrypoint))) {
      throw refusal('entrypoint-missing', { path: entrypoint });
    }
  }
  return { bot, text, mode, files, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

async function readText(path: string, mostBytes: number): Promise<{ text: string; mode: number }> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw new DeployError(`${path} is not a file`, 'Name the folder of a bot: it has a bot.json.');
    if (stats.size > mostBytes) {
      throw new DeployError(`${path} is larger than ${mostBytes} bytes`, 'Raise --bot-json-size, or make it smaller.');
    }
    return { text: await readFile(path, 'utf8'), mode: stats.mode & 0o777 };
  } catch (cause) {
    if (cause instanceof DeployError) throw cause;
    const detail =
      cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'is not there' : String(cause);
    throw new DeployError(`${path} cannot be read: it ${detail}`, 'Name the folder of a bot: it has a bot.json.', {
      cause,
    });
  }
}

async function listed(folder: string, limits: CodeLimits): Promise<CodeListing> {
  try {
    return await listCode(folder, limits);
  } catch (cause) {
    const at = cause instanceof CodeUnusable && cause.path !== '' ? `/${cause.path}` : '';
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw refusal('code-unreadable', { path: `${basename(folder)}${at}`, detail }, cause);
  }
}

/** Archives hold no links: the file a link leads to is packed under the link's name. */
async function filesOf(folder: string, { entries }: CodeListing): Promise<PackedFile[]> {
  const files: PackedFile[] = [];
  for (const entry of entries) {
    if (entry.kind === 'file') {
      files.push(entry);
      continue;
    }
    const stats = await stat(join(folder, entry.path));
    if (!stats.isFile()) {
      throw new DeployError(
        `${entry.path} is a link to a folder, and archives hold no links`,
        'Install packages as plain files (npm does; pnpm with node-linker=hoisted), or put the folder itself there.',
      );
    }
    files.push({ path: entry.path, sizeBytes: stats.size, executable: (stats.mode & 0o100) !== 0 });
  }
  return files;
}

function refusal(code: ReasonCode, facts: ReasonFacts, cause?: unknown): DeployError {
  const { sentence, advice }: ReasonKind = REASONS[code];
  return new DeployError(sentence(facts), advice(facts), { cause });
}
