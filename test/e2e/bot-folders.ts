import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

const EXAMPLES = resolve(import.meta.dirname, '../../images/bots');

export interface BotFiles {
  readonly id: string;
  readonly runtime?: 'nodejs20' | 'python3.11';
  /** File name → content. */
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoints?: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly enabled?: boolean;
  /** Key of its code in the object store. */
  readonly filePath?: string;
  /** Makes it a scheduled one. */
  readonly schedule?: string;
}

/** A `bot.json` in the shape of the contract's documents. */
export function botJson(bot: Omit<BotFiles, 'files'>) {
  const { id, runtime = 'nodejs20', entrypoints, config = {}, enabled, filePath, schedule } = bot;
  const script = runtime === 'nodejs20' ? { bot: 'main.js', query: 'query.js' } : { bot: 'main.py', query: 'query.py' };
  return {
    id,
    config: { ...config, ...(schedule === undefined ? {} : { schedule }) },
    custom: {
      version: '1.0.0',
      ...(filePath === undefined ? {} : { filePath }),
      config: {
        name: id,
        type: schedule === undefined ? 'realtime' : 'scheduled',
        runtime,
        entrypoints: entrypoints ?? script,
      },
    },
    ...(enabled === undefined ? {} : { enabled }),
  };
}

/** In one step: on a busy machine the runtime would look at a file that is half written. */
export async function writeWhole(path: string, content: string): Promise<void> {
  const hidden = join(dirname(path), `.${basename(path)}.new`);
  await writeFile(hidden, content);
  await rename(hidden, path);
}

/** bot.json comes last, so that the bot is whole when it is seen. */
export async function writeBot(botsDir: string, bot: BotFiles, folder = bot.id): Promise<string> {
  const path = join(botsDir, folder);
  await mkdir(path, { recursive: true });
  for (const [name, content] of Object.entries(bot.files)) await writeWhole(join(path, name), content);
  await writeWhole(join(path, 'bot.json'), JSON.stringify(botJson(bot), null, 2));
  return path;
}

/** A copy of an example bot under another id. */
export async function copyExample(
  botsDir: string,
  example: 'price-alerts' | 'grid-trader',
  id: string,
): Promise<string> {
  const path = join(botsDir, id);
  await cp(join(EXAMPLES, example), path, { recursive: true, filter: (source) => !source.endsWith('bot.json') });
  const original: unknown = JSON.parse(await readFile(join(EXAMPLES, example, 'bot.json'), 'utf8'));
  await writeWhole(join(path, 'bot.json'), JSON.stringify(Object.assign({}, original, { id })));
  return path;
}

/** A bot that only lives: as little as a bot can be, in both languages. */
export const IDLE_NODE = {
  'main.js': `exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n`,
  'query.js': `const { query } = require('@alexanderwanyoike/the0-node');\nquery.handler('/pid', () => ({ pid: process.pid }));\nquery.run();\n`,
};
