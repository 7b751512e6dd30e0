import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBotJson } from '../../../src/desired/directory/bot-json.ts';

const whole = {
  id: 'a',
  config: { apiKey: 'S3CRET' },
  custom: {
    version: '1',
    config: { name: 'n', type: 'realtime', runtime: 'nodejs20', entrypoints: { bot: 'main.js', query: 'query.js' } },
  },
};

function parse(value: unknown) {
  return parseBotJson(JSON.stringify(value), 'a/bot.json');
}

/** A document (the whole one) with one field, named by its path, set to another value or (undefined) left out. */
function changed(path: string, value: unknown, document: object = whole): object {
  const [first = '', ...rest] = path.split('.');
  const change = (object: object, key: string, deeper: readonly string[]): object => {
    const [next, ...further] = deeper;
    const before: unknown = Reflect.get(object, key);
    const after = next === undefined ? value : change(typeof before === 'object' ? { ...before } : {}, next, further);
    return { ...object, [key]: after };
  };
  return change(document, first, rest);
}

test('a whole definition is taken over field by field', () => {
  assert.deepEqual(parse(whole).bot, {
    id: 'a',
    kind: 'realtime',
    enabled: true,
    config: { apiKey: 'S3CRET' },
    version: '1',
    filePath: '',
    name: 'n',
    runtime: 'nodejs20',
    entrypoint: 'main.js',
    queryEntrypoint: 'query.js',
    schedule: null,
  });
});

test('what is not needed may be missing, and what is not known may be there', () => {
  const { bot } = parse({ ...whole, format: 1, $schema: 'x', custom: { ...whole.custom, readme: '…', createdAt: '' } });
  assert.equal(bot?.filePath, '');
  assert.equal(parse(changed('custom.config.entrypoints', {})).bot?.entrypoint, '');
  assert.equal(parse(changed('custom.config.entrypoints.query', undefined)).bot?.queryEntrypoint, null);
  assert.equal(parse(changed('custom.config.entrypoints.query', '')).bot?.queryEntrypoint, null);
});

test('a bot is disabled if either place says so', () => {
  for (const off of [false, 'false', '0', 0]) {
    assert.equal(parse(changed('enabled', off)).bot?.enabled, false, `enabled ${JSON.stringify(off)}`);
    assert.equal(parse(changed('config.enabled', off)).bot?.enabled, false, `config.enabled ${JSON.stringify(off)}`);
  }
  for (const on of [true, 'true', 1, null, undefined]) {
    assert.equal(parse(changed('enabled', on)).bot?.enabled, true, `enabled ${JSON.stringify(on)}`);
    assert.equal(parse(changed('config.enabled', on)).bot?.enabled, true, `config.enabled ${JSON.stringify(on)}`);
  }
});

test('a field that is missing or of a wrong type is named, with what it must be and the type it has', () => {
  const cases: readonly [path: string, value: unknown, expected: string, found: string][] = [
    ['id', undefined, 'a text of 1 to 64 letters, digits, "-" or "_"', 'missing'],
    ['id', '../etc', 'a text of 1 to 64 letters, digits, "-" or "_"', 'another text'],
    ['id', 'x'.repeat(65), 'a text of 1 to 64 letters, digits, "-" or "_"', 'another text'],
    ['config', undefined, 'an object', 'missing'],
    ['config', [1], 'an object', 'a list'],
    ['config', null, 'an object', 'null'],
    ['custom', 'text', 'an object', 'a text'],
    ['custom.version', 1, 'a text', 'a number'],
    ['custom.config', undefined, 'an object', 'missing'],
    ['custom.config.name', false, 'a text', 'a boolean'],
    ['custom.config.type', 'event', '"realtime" or "scheduled"', 'another text'],
    ['custom.config.runtime', {}, 'a text', 'an object'],
    ['custom.config.entrypoints', 'main.js', 'an object', 'a text'],
    ['custom.config.entrypoints.bot', 3, 'a text', 'a number'],
    ['enabled', {}, 'true or false', 'an object'],
    ['format', '1', 'a number', 'a text'],
  ];
  for (const [field, value, expected, found] of cases) {
    assert.deepEqual(
      parse(changed(field, value)).problem,
      { code: 'spec-invalid', facts: { path: 'a/bot.json', field, expected, found } },
      field,
    );
  }
  for (const [value, found] of [
    [[], 'a list'],
    [null, 'null'],
    [3, 'a number'],
  ] as const) {
    const facts = { path: 'a/bot.json', field: 'bot.json', expected: 'an object', found };
    assert.deepEqual(parse(value).problem, { code: 'spec-invalid', facts });
  }
});

test('a field that is missing because another is misspelt names that one', () => {
  const cases: readonly [missing: string, written: string][] = [
    ['custom.config.entrypoints', 'custom.config.entrypoint'],
    ['custom.config.runtime', 'custom.config.Runtime'],
    ['custom.version', 'custom.verson'],
    ['id', 'ID'],
  ];
  for (const [missing, written] of cases) {
    const { problem } = parse(changed(written, 'x', changed(missing, undefined)));
    assert.equal(problem?.facts['field'], missing);
    assert.equal(problem.facts['similar'], written);
  }
});

test('a field that is known is not taken for a misspelling of another', () => {
  const { problem } = parse(changed('custom.config.type', undefined));
  assert.equal(problem?.facts['similar'], undefined);
});

test('an id that can be read is told even if the rest cannot be used', () => {
  assert.equal(parse(changed('custom', 3)).id, 'a');
  assert.equal(parse(changed('id', 'a b')).id, null);
});

test('a newer format is refused before anything in it is judged', () => {
  assert.deepEqual(parse({ id: 'a', format: 2 }), {
    bot: null,
    id: 'a',
    problem: { code: 'spec-newer-format', facts: { path: 'a/bot.json', format: 2, known: 1 } },
  });
});

test('text that is not JSON is placed by line and column', () => {
  const { problem, id } = parseBotJson('{\n  "id": "a",\n  "config": {,}\n}', 'a/bot.json');
  assert.equal(id, null);
  assert.equal(problem?.code, 'spec-unreadable');
  assert.deepEqual([problem.facts['line'], problem.facts['column']], [3, 14]);
  assert.equal(parseBotJson(' \n', 'x').problem?.facts['detail'], 'the file is empty');
});

test('a byte order mark, as some editors write it, does no harm', () => {
  assert.equal(parseBotJson(`\uFEFF${JSON.stringify(whole)}`, 'x').bot?.id, 'a');
});

test('nothing that is told holds a value from the file', () => {
  const secret = 'S3CRET';
  const texts = [
    `{"config": {"apiKey": "${secret}" oops}}`,
    `{"config": ${secret}}`,
    secret,
    JSON.stringify(changed('custom.version', { secret })),
    JSON.stringify(changed('custom.config.type', secret)),
    JSON.stringify(changed('id', `${secret} `)),
    JSON.stringify(changed('config', secret)),
  ];
  for (const text of texts) {
    const { problem } = parseBotJson(text, 'a/bot.json');
    assert.ok(problem !== null, text);
    assert.equal(JSON.stringify(problem).includes(secret), false, text);
  }
});

test('a definition nested without end is refused in words, whatever comes after it could not handle it', () => {
  const nested = (levels: number) => JSON.stringify(whole).replace('"S3CRET"', '['.repeat(levels) + ']'.repeat(levels));
  assert.equal(parseBotJson(nested(98), 'a/bot.json').problem, null);
  for (const levels of [99, 100_000]) {
    const { id, problem } = parseBotJson(nested(levels), 'a/bot.json');
    assert.equal(id, 'a');
    assert.deepEqual(problem, {
      code: 'spec-unreadable',
      facts: { path: 'a/bot.json', detail: 'nested more than 100 levels deep' },
    });
  }
});
