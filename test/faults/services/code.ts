import { IDLE_NODE } from '../../e2e/bot-folders.ts';

/** What bots of the search run, as it lies in the object store. */
export interface Code {
  readonly id: string;
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoints: Readonly<Record<string, string>>;
}

/** Only lives. */
export const IDLE: Code = { id: 'idle', files: { 'main.js': IDLE_NODE['main.js'] }, entrypoints: { bot: 'main.js' } };

/** Runs for a moment, as a bot that looks at a price once. */
export const BRIEF: Code = {
  id: 'brief',
  files: { 'main.js': `exports.main = async () => ({ done: true });\n` },
  entrypoints: { bot: 'main.js' },
};

/** Takes a while, mostly longer than the pause between two of its runs. */
export const LASTING: Code = {
  id: 'lasting',
  files: { 'main.js': `exports.main = () => new Promise((done) => setTimeout(done, Math.random() * 3000));\n` },
  entrypoints: { bot: 'main.js' },
};

/** Only lives, and tells who it is, on which config, and what it was asked. */
export const TELLING: Code = {
  id: 'telling',
  files: {
    ...IDLE.files,
    'query.js': `const { query } = require('@alexanderwanyoike/the0-node');
query.handler('/who', ({ params }) => ({ bot: process.env.BOT_ID, config: JSON.parse(process.env.BOT_CONFIG), k: Number(params.k) }));
query.run();\n`,
  },
  entrypoints: { bot: 'main.js', query: 'query.js' },
};

export const CODES: readonly Code[] = [IDLE, BRIEF, LASTING, TELLING];

/** Its key in the object store. */
export function filePathOf({ id }: Code): string {
  return `user/${id}/1.0.0`;
}
