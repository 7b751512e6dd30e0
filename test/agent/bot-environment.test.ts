import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readSettings } from '../../src/agent/agent-settings.ts';
import { environmentForBot } from '../../src/agent/bot-environment.ts';

function environment(env: Readonly<Record<string, string>>): Record<string, string> {
  const all = { BOT_ID: 'b', RUNTIME: 'python3.11', ENTRYPOINT: 'main.py', ...env };
  return environmentForBot(all, readSettings(all));
}

test('Python finds vendored packages, then the code, then what was there, then the SDK', () => {
  assert.equal(environment({ PYTHONPATH: '/old' })['PYTHONPATH'], '/bot/vendor:/bot:/old:/app/sdk/python');
  assert.equal(environment({})['PYTHONPATH'], '/bot/vendor:/bot:/app/sdk/python');
  assert.equal(environment({})['PYTHONUNBUFFERED'], '1');
});

test('Node finds the SDK', () => {
  const node = environment({ RUNTIME: 'nodejs20', THE0_SDK_PATH: '/sdk' });
  assert.equal(node['NODE_PATH'], '/sdk/nodejs/node_modules');
  assert.equal(node['PYTHONPATH'], undefined);
});

test('a Node bot gets few pools of memory, and nothing of what keeps the agent small', () => {
  const agents = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '1' };
  const node = environment({ RUNTIME: 'nodejs20', ...agents });
  assert.equal(node['MALLOC_ARENA_MAX'], '2');
  assert.equal(node['MALLOC_TRIM_THRESHOLD_'], undefined);
  assert.equal(environment({ RUNTIME: 'python3.11', ...agents })['MALLOC_ARENA_MAX'], undefined);
});

test('a query path is never defined and empty', () => {
  assert.equal('QUERY_PATH' in environment({ QUERY_PATH: '' }), false);
  assert.equal(environment({ QUERY_PATH: '/status' })['QUERY_PATH'], '/status');
});

test('the state directory that was given stands', () => {
  assert.equal(environment({ STATE_DIR: '/elsewhere' })['STATE_DIR'], '/elsewhere');
  assert.equal(environment({ STATE_DIR: '' })['STATE_DIR'], '/state/.the0-state');
});

test('credentials and settings of the agent are withheld, the place of the query server is not', () => {
  const bot = environment({
    MINIO_ENDPOINT: 'm',
    MINIO_ANYTHING: 'm',
    NATS_URL: 'n',
    MONGO_URI: 'm',
    THE0_LIFELINE: '1',
    THE0_QUERY_PORT: '1',
    THE0_QUERY_HOST: 'h',
    LANG: 'C.UTF-8',
  });
  assert.deepEqual(
    Object.keys(bot).filter((name) => /^(MINIO|NATS|MONGO|THE0|LANG)/.test(name)),
    ['THE0_QUERY_PORT', 'THE0_QUERY_HOST', 'LANG'],
  );
});

test('how the launcher keeps the memory of the agent small is no matter of the bot', () => {
  const launcher = readFileSync(new URL('../../images/runtime/launcher.sh', import.meta.url), 'utf8');
  const names = [...(/^export (MALLOC_.*)$/m.exec(launcher)?.[1] ?? '').matchAll(/(\w+)=/g)].map(
    ([, name]) => `${name}`,
  );
  assert.ok(names.length > 0);
  const bot = environment(Object.fromEntries(names.map((name) => [name, '1'])));
  assert.deepEqual(
    names.filter((name) => name in bot),
    [],
  );
});

test('each query parameter is a variable of its own, as Go prints it', () => {
  const params = {
    text: 'a b',
    whole: 20,
    big: 1234567,
    small: 0.00001,
    fraction: 0.1,
    yes: true,
    none: null,
    list: [1, 'x'],
    map: { b: 1, a: [1, 2] },
    'not=possible': 1,
  };
  const found = environment({ QUERY_PARAMS: JSON.stringify(params) });
  const own = Object.entries(found).filter(([name]) => name.startsWith('QUERY_PARAM_'));
  assert.deepEqual(Object.fromEntries(own), {
    QUERY_PARAM_text: 'a b',
    QUERY_PARAM_whole: '20',
    QUERY_PARAM_big: '1.234567e+06',
    QUERY_PARAM_small: '1e-05',
    QUERY_PARAM_fraction: '0.1',
    QUERY_PARAM_yes: 'true',
    QUERY_PARAM_none: '<nil>',
    QUERY_PARAM_list: '[1 x]',
    QUERY_PARAM_map: 'map[a:[1 2] b:1]',
  });
});

for (const params of ['', 'no json', '[1]', 'null']) {
  test(`query parameters that are no object (${params || 'empty'}) give no variables`, () => {
    const names = Object.keys(environment({ QUERY_PARAMS: params }));
    assert.deepEqual(
      names.filter((name) => name.startsWith('QUERY_PARAM_')),
      [],
    );
  });
}
