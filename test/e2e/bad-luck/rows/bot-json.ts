import { join } from 'node:path';
import { runCli } from '../../../commands/run-cli.ts';
import { botJson, writeBot, writeWhole } from '../../bot-folders.ts';
import { type BadLuck, badLuck } from '../bad-luck.ts';
import { IDLE, nodeBot } from '../bots.ts';
import { says, type Told, whyTells } from '../told.ts';
import { uniqueId } from '../unique-id.ts';

const CORRECT_IT = /^Correct .*a change is taken up at once\.$/;

let altereds = 0;

/** What a person writes into `bot.json`, and what the runtime makes of it. */
export const BOT_JSON: readonly BadLuck[] = [
  unusable('bot.json is cut off', '{"id": "x",\n "config": {', {
    code: 'spec-unreadable',
    text: ['/bot.json"', 'not JSON at line 2, column 13'],
    advice: [CORRECT_IT],
  }),
  unusable('bot.json is empty', '', {
    code: 'spec-unreadable',
    text: ['/bot.json"', 'the file is empty'],
    advice: [CORRECT_IT],
  }),
  unusable('bot.json is larger than anybody needs', JSON.stringify({ config: 'x'.repeat(1_100_000) }), {
    code: 'spec-unreadable',
    text: ['/bot.json"', 'larger than 1024 KiB'],
    advice: [CORRECT_IT],
  }),
  unusable(
    'bot.json is nested without end',
    JSON.stringify(botJson({ ...IDLE, id: uniqueId('nested') })).replace(
      '{}',
      `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
    ),
    { code: 'spec-unreadable', text: ['/bot.json"', 'nested more than 100 levels deep'], advice: [CORRECT_IT] },
  ),
  unusable('bot.json is a list', '[]', invalid('"bot.json" must be an object, not a list')),
  unusable('bot.json has no config', altered('config', undefined), invalid('"config" must be an object, not missing')),
  unusable(
    'bot.json has no runtime',
    altered('custom.config.runtime', undefined),
    invalid('"custom.config.runtime" must be a text, not missing'),
  ),
  unusable(
    'the config is a list',
    altered('config', ['secret-value']),
    invalid('"config" must be an object, not a list'),
  ),
  unusable(
    'the version is a number',
    altered('custom.version', 2),
    invalid('"custom.version" must be a text, not a number'),
  ),
  unusable(
    'the entry point is a list',
    altered('custom.config.entrypoints.bot', ['main.js']),
    invalid('"custom.config.entrypoints.bot" must be a text, not a list'),
  ),
  unusable(
    'the type of bot is none there is',
    altered('custom.config.type', 'hourly'),
    invalid('"custom.config.type" must be "realtime" or "scheduled", not another text'),
  ),
  unusable(
    'the id has characters an id cannot have',
    altered('id', '../../etc'),
    invalid('"id" must be a text of 1 to 64 letters, digits, "-" or "_", not another text'),
  ),
  unusable('bot.json is of a later format', altered('format', 2), {
    code: 'spec-newer-format',
    text: ['format "2"', 'does not know'],
    advice: ['Upgrade the runtime'],
  }),
  unusable('the runtime is unknown', altered('custom.config.runtime', 'cobol85'), {
    code: 'runtime-unknown',
    text: ['"cobol85"'],
    advice: ['python3.11', 'nodejs20', 'rust-stable'],
  }),
  unusable('no entry point is named', altered('custom.config.entrypoints', {}), {
    code: 'entrypoint-undefined',
    text: ['names no entry point'],
    advice: ['custom.config.entrypoints.bot'],
  }),
  unusable('the bot is to run on a schedule and has none', altered('custom.config.type', 'scheduled'), {
    code: 'schedule-missing',
    text: ['has no schedule'],
    advice: ['config.schedule'],
  }),

  badLuck({
    name: 'two folders have the same id: the first goes on, the second is blocked',
    async arrange(scene) {
      const first = await scene.addBot('twin', IDLE);
      await scene.runtime.until(first, 'runs', ({ state }) => state === 'running');
      const folder = uniqueId('twin-copy');
      await writeBot(scene.runtime.botsDir, { ...IDLE, id: first }, folder);
      return { first, folder };
    },
    async expect({ runtime }, { first, folder }) {
      await whyTells(runtime, folder, {
        code: 'spec-duplicate',
        state: 'blocked',
        text: ['Another bot has the same id', `"${first}/bot.json"`],
        advice: ['an id of its own'],
      });
      await runtime.until(first, 'still runs', ({ state, restarts }) => state === 'running' && restarts === 0);
    },
  }),

  badLuck({
    name: 'a running bot gets a bot.json that cannot be read; mended, it runs again',
    async arrange(scene) {
      const id = await scene.addBot('typo', IDLE);
      await scene.runtime.until(id, 'runs', ({ state }) => state === 'running');
      await writeWhole(join(scene.runtime.botsDir, id, 'bot.json'), '{"id": ');
      return id;
    },
    async expect({ runtime }, id) {
      const told = { code: 'spec-unreadable', state: 'blocked', text: ['not JSON at line 1'], advice: [CORRECT_IT] };
      await whyTells(runtime, id, told);
      await writeBot(runtime.botsDir, { ...nodeBot(IDLE.files['main.js'] ?? ''), id });
      await runtime.until(id, 'runs again', ({ state }) => state === 'running');
    },
  }),

  badLuck({
    name: 'the command line tells the same cause, with what to do',
    arrange: (scene) => scene.addFolder('told-by-cli', '{"id": "x" "config": {}}'),
    async expect({ runtime }, folder) {
      await whyTells(runtime, folder, { code: 'spec-unreadable', text: ['line 1, column 12'], advice: [CORRECT_IT] });
      const { code, stdout } = await runCli(['why', folder, '--data-dir', runtime.dataDir]);
      says(`${code} ${stdout.replace(/\s+/g, ' ')}`, [
        /^0 /,
        'blocked',
        `The bot's definition cannot be read in "${folder}/bot.json": "not JSON at line 1, column 12"`,
        'Correct the file or its permissions; a change is taken up at once.',
        'the bot itself (spec-unreadable), waits for a change of the bot',
      ]);
    },
  }),
];

function unusable(name: string, text: string, told: Told): BadLuck {
  return badLuck({
    name,
    arrange: (scene) => scene.addFolder(name, text, IDLE.files),
    async expect({ runtime }, folder) {
      const reason = await whyTells(runtime, idOf(text) ?? folder, { ...told, state: 'blocked' });
      says(JSON.stringify(reason), [/^(?!.*secret-value)/]);
    },
  });
}

function invalid(said: string): Told {
  return { code: 'spec-invalid', text: ['/bot.json"', said], advice: [CORRECT_IT] };
}

/** A good `bot.json` with one field changed, or left out. */
function altered(path: string, value: unknown): string {
  altereds += 1;
  const good = botJson({ id: uniqueId(`altered-${altereds}`), entrypoints: { bot: 'main.js' } });
  return JSON.stringify(replace(good, path.split('.'), value));
}

function replace(object: object, [key = '', ...rest]: readonly string[], value: unknown): object {
  const inner: unknown = Object.entries(object).find(([name]) => name === key)?.[1];
  const isInner = rest.length > 0 && typeof inner === 'object' && inner !== null;
  return { ...object, [key]: isInner ? replace(inner, rest, value) : value };
}

/** The id under which it is shown, when it can be read: the folder has another name. */
function idOf(text: string): string | null {
  return /"id":"([\w-]+)"/.exec(text)?.[1] ?? null;
}
