/** The bots of the suite: small Node programs (CommonJS, as the wrapper loads them), each good for one question. */
import type { Json } from '../../../src/desired/bot-definition.ts';

export interface BotSketch {
  /** A fresh one when left out. */
  readonly id?: string;
  readonly revision?: string;
  readonly config?: { readonly [key: string]: Json };
  /** File name → text. The bot is `main.js`, its query server `query.js`. */
  readonly files: Readonly<Record<string, string>>;
}

const PREAMBLE = `
const fs = require('node:fs');
const { join } = require('node:path');
const state = process.env.STATE_DIR;
fs.mkdirSync(state, { recursive: true });
const save = (file, text) => {
  fs.writeFileSync(join(state, file + '.new'), text);
  fs.renameSync(join(state, file + '.new'), join(state, file));
};
const forEver = () => new Promise(() => setInterval(() => {}, 1000));
`;

function bot(body: string): { readonly 'main.js': string } {
  return { 'main.js': `${PREAMBLE}\nexports.main = async (id, config) => {\n${body}\n};\n` };
}

function queryServer(answer: string): { readonly 'query.js': string } {
  return {
    'query.js': `
require('node:http')
  .createServer((request, response) => { ${answer} })
  .listen(Number(process.env.THE0_QUERY_PORT || 9476), process.env.THE0_QUERY_HOST || '0.0.0.0');
`,
  };
}

export const idle: BotSketch = { files: bot('await forEver();') };

export const exits = (code: number): BotSketch => ({ files: bot(`process.exit(${code});`) });

export const countsStarts: BotSketch = {
  files: bot(`
  let before = 0;
  try { before = Number(fs.readFileSync(join(state, 'starts'), 'utf8')); } catch {}
  save('starts', String(before + 1));
  process.exit(1);`),
};

export const savesOnSigterm: BotSketch = {
  files: bot(`
  process.on('SIGTERM', () => { save('saved', 'yes'); process.exit(0); });
  save('ready', 'yes');
  await forEver();`),
};

export const ignoresSigterm: BotSketch = {
  files: bot(`
  process.removeAllListeners('SIGTERM');
  process.on('SIGTERM', () => {});
  save('ready', 'yes');
  await forEver();`),
};

/** A child in a session of its own, which outlives its parent unless somebody ends it; its heart beats every 20 ms. */
export const leavesChild: BotSketch = {
  files: {
    ...bot(`
  require('node:child_process').spawn(process.execPath, [join(__dirname, 'child.js')], { detached: true, stdio: 'ignore' }).unref();
  await forEver();`),
    'child.js': `${PREAMBLE}\nsetInterval(() => save('beat', String(process.hrtime.bigint())), 20);\n`,
  },
};

export const answersQueries: BotSketch = {
  files: {
    ...bot(`save('ready', 'yes'); await forEver();`),
    ...queryServer(`response.end('you asked ' + request.url);`),
  },
};

/** Its query server leaves a file for it when asked for /exit. */
export const exitsWhenAsked: BotSketch = {
  files: {
    ...bot(`
  setInterval(() => {
    if (!fs.existsSync(join(state, 'exit'))) return;
    fs.rmSync(join(state, 'exit')); // The next run is to go on.
    process.exit(5);
  }, 10);
  await forEver();`),
    ...queryServer(`
    // First the answer: with the bot its query server ends.
    response.on('finish', () => {
      // The bot itself may not have come so far.
      require('node:fs').mkdirSync(process.env.STATE_DIR, { recursive: true });
      require('node:fs').writeFileSync(require('node:path').join(process.env.STATE_DIR, 'exit'), '');
    });
    response.end('it will');`),
  },
};

export const tellsEnvironment: BotSketch = {
  config: { greeting: '<hi>' },
  files: bot(`
  save('env', JSON.stringify(process.env));
  await forEver();`),
};

/** Says of itself what only its agent should. */
export const saysConditions = (text: string): BotSketch => ({
  files: bot(`
  fs.writeFileSync(join(process.env.LOGS_PATH || '/var/the0/logs', 'conditions.json'), ${JSON.stringify(text)});
  save('ready', 'yes');
  await forEver();`),
});

/** Takes memory until the kernel ends it; its heap may grow beyond what the container has. */
export const eatsMemory: BotSketch = {
  files: bot(`
  const eaten = [];
  for (;;) eaten.push(Buffer.alloc(8 * 1024 * 1024, 1));`),
};
