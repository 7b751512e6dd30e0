import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BotFiles } from '../../bot-folders.ts';
import { botJson, writeWhole } from '../../bot-folders.ts';
import { type BadLuck, badLuck } from '../bad-luck.ts';
import { nodeBot, pythonBot } from '../bots.ts';
import { type Told, whyTells } from '../told.ts';
import { uniqueId } from '../unique-id.ts';

/** What is wrong with the bot's files. */
export const CODE: readonly BadLuck[] = [
  badCode('the entry point is not there', nodeBotWithout('nowhere.js'), {
    code: 'entrypoint-missing',
    text: ['"nowhere.js"', "not in the bot's code"],
    advice: ['Correct the entry point or add the file'],
  }),
  badCode('a Node bot has a syntax error', nodeBot('exports.main = async () => {\n  const = 1;\n};\n'), {
    code: 'bot-import-failed',
    text: ['main.js', "SyntaxError: Unexpected token '=' (main.js:2)"],
    advice: ['Correct', 'tried at once'],
  }),
  badCode('a Python bot has a syntax error', pythonBot('def main(bot_id, config)\n    pass\n'), {
    code: 'bot-import-failed',
    text: ['main.py', 'SyntaxError', 'line 1'],
    advice: ['Correct', 'tried at once'],
  }),
  badCode('a Node bot needs a package that is not there', nodeBot("require('left-pad');\nexports.main = () => {};\n"), {
    code: 'bot-import-failed',
    text: ["Cannot find module 'left-pad'"],
    advice: ['missing', 'tried at once'],
  }),
  badCode('a Python bot needs a package that is not there', pythonBot('import left_pad\n'), {
    code: 'bot-import-failed',
    text: ["No module named 'left_pad'"],
    advice: ['missing', 'tried at once'],
  }),
  badCode('a Node bot has no main', nodeBot('exports.run = () => {};\n'), {
    code: 'bot-import-failed',
    text: ['main.js exports no function main'],
    advice: [/code/],
  }),
  badLuck({
    name: 'there is a named pipe among the code, and a link to nowhere',
    async arrange({ runtime }) {
      const id = uniqueId('pipe');
      const folder = join(runtime.botsDir, id);
      await mkdir(folder);
      await promisify(execFile)('mkfifo', [join(folder, 'pipe')]);
      await promisify(execFile)('ln', ['-s', '/nowhere/at/all', join(folder, 'link')]);
      await writeFile(
        join(folder, 'main.js'),
        'exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n',
      );
      await writeWhole(join(folder, 'bot.json'), JSON.stringify(botJson({ id, entrypoints: { bot: 'main.js' } })));
      return id;
    },
    async expect({ runtime }, id) {
      await runtime.until(id, 'runs all the same', ({ state }) => state === 'running');
    },
  }),
];

function badCode(name: string, bot: Omit<BotFiles, 'id'>, told: Told): BadLuck {
  return badLuck({
    name,
    needs: bot.runtime === 'python3.11' ? ['python3'] : [],
    arrange: (scene) => scene.addBot(name, bot),
    async expect({ runtime }, id) {
      await whyTells(runtime, id, { ...told, state: 'backing-off' });
    },
  });
}

function nodeBotWithout(entrypoint: string): Omit<BotFiles, 'id'> {
  return { runtime: 'nodejs20', entrypoints: { bot: entrypoint }, files: { 'other.js': '' } };
}
