import type { BotFiles } from '../bot-folders.ts';

type Bot = Omit<BotFiles, 'id'>;

/** Lives, and tells by `/life` which start of itself and of its query server it is. */
export const WITNESS_NODE: Bot = {
  runtime: 'nodejs20',
  files: {
    'main.js': `
const { state } = require('@alexanderwanyoike/the0-node');
exports.main = () => {
  state.set('life', require('node:crypto').randomUUID());
  return new Promise(() => setInterval(() => {}, 1000));
};`,
    'query.js': `
const { query, state } = require('@alexanderwanyoike/the0-node');
const born = require('node:crypto').randomUUID();
query.handler('/life', () => ({ bot: state.get('life'), query: born }));
query.run();`,
  },
};

export const WITNESS_PYTHON: Bot = {
  runtime: 'python3.11',
  files: {
    'main.py': `
import time, uuid
from the0 import state

def main(bot_id, config):
    state.set("life", uuid.uuid4().hex)
    while True:
        time.sleep(1)
`,
    'query.py': `
import uuid
from the0 import query, state

BORN = uuid.uuid4().hex

@query.handler("/life")
def life(req):
    return {"bot": state.get("life"), "query": BORN}

query.run()
`,
  },
};

/** A Node bot of one file that answers no queries. */
export function nodeBot(main: string): Bot {
  return { runtime: 'nodejs20', entrypoints: { bot: 'main.js' }, files: { 'main.js': main } };
}

export function pythonBot(main: string): Bot {
  return { runtime: 'python3.11', entrypoints: { bot: 'main.py' }, files: { 'main.py': main } };
}

/** As little as a bot can be. */
export const IDLE = nodeBot('exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n');
