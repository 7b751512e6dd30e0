import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Binary, BSON, Decimal128, Double, Int32, Long, MinKey, ObjectId } from 'mongodb';
import { botIdOf, defineBot } from '../../../src/desired/mongodb/bot-document.ts';
import { goJson } from '../../../src/engine/go-json.ts';
import { botDocument } from './bot-documents.ts';

/** Through BSON, as it comes from a server. */
function define(document: Record<string, unknown>) {
  const read = BSON.deserialize(BSON.serialize({ _id: new ObjectId(), ...document }));
  return defineBot('realtime', 'a', read);
}

test('a document as the Go runtime writes it becomes a definition', () => {
  const definition = define(botDocument('a'));
  assert.equal(definition.problem, null);
  assert.deepEqual(
    { ...definition, specRevision: '' },
    {
      id: 'a',
      kind: 'realtime',
      enabled: true,
      config: { symbol: 'BTC/USD' },
      version: '1.0.0',
      filePath: 'user1/a/1.0.0',
      name: 'price-alerts',
      runtime: 'nodejs20',
      entrypoint: 'main.js',
      queryEntrypoint: 'query.js',
      schedule: null,
      specRevision: '',
      problem: null,
    },
  );
});

test('a number has the same revision and JSON whether it is stored as int, long or double', () => {
  const all = [new Int32(5), Long.fromNumber(5), new Double(5)].map((n) => define(botDocument('a', { n, list: [n] })));
  for (const { specRevision, config } of all) {
    assert.equal(specRevision, all[0]?.specRevision);
    assert.equal(goJson(config), '{"list":[5],"n":5}');
  }
});

test('dates and object ids in a config become what the Go runtime makes of them', () => {
  const key = new ObjectId();
  const { config } = define(
    botDocument('a', { whole: new Date('2026-01-02T03:04:00.000Z'), part: new Date('2026-01-02T03:04:05.120Z'), key }),
  );
  assert.deepEqual(config, { whole: '2026-01-02T03:04:00Z', part: '2026-01-02T03:04:05.12Z', key: key.toHexString() });
});

test('what has no JSON form is a problem that names its place, not its value', () => {
  const cases: [unknown, string, string][] = [
    [Long.fromString('9007199254740993'), 'a whole number of at most 2^53', 'a larger one'],
    [new Double(Number.NaN), 'a number', 'not a number or infinite'],
    [new Binary(Buffer.from('secret')), 'a value of JSON', 'of type Binary'],
    [Decimal128.fromString('1.5'), 'a value of JSON', 'of type Decimal128'],
    [new MinKey(), 'a value of JSON', 'of type MinKey'],
  ];
  for (const [value, expected, found] of cases) {
    const { problem } = define(botDocument('a', { list: [{ value }] }));
    assert.deepEqual(problem, {
      code: 'spec-invalid',
      facts: { path: 'bot_runner.bots/a', field: 'config.list.0.value', expected, found },
    });
  }
});

test('a field of the wrong type is a problem that names it and what it should be', () => {
  const custom = botDocument('a')['custom'];
  const cases: [Record<string, unknown>, string, string, string][] = [
    [{ enabled: 'yes' }, 'enabled', 'true or false', 'a text'],
    [{ config: 'text' }, 'config', 'an object', 'a text'],
    [{ config: [1] }, 'config', 'an object', 'a list'],
    [{ custom: null }, 'custom', 'an object', 'null'],
    [{ custom: { ...custom, version: 3 } }, 'custom.version', 'a text', 'a number'],
    [{ custom: { ...custom, filePath: new Date() } }, 'custom.filePath', 'a text', 'an object'],
    [{ custom: { ...custom, config: 'x' } }, 'custom.config', 'an object', 'a text'],
    [
      { custom: { ...custom, config: { ...custom.config, entrypoints: { bot: 5 } } } },
      'custom.config.entrypoints.bot',
      'a text',
      'a number',
    ],
  ];
  for (const [change, field, expected, found] of cases) {
    const { problem, id } = define({ ...botDocument('a'), ...change });
    assert.equal(id, 'a');
    assert.equal(problem?.code, 'spec-invalid');
    const facts = problem?.facts ?? {};
    assert.deepEqual([facts['field'], facts['expected'], facts['found']], [field, expected, found]);
  }
});

test('what the Go runtime leaves empty or null may be missing', () => {
  const { problem, runtime, entrypoint, config } = define({
    id: 'a',
    config: null,
    custom: { config: { entrypoints: null } },
  });
  assert.deepEqual([problem, runtime, entrypoint, config], [null, '', '', {}]);
});

test('a date where the Go runtime wants a text keeps no bot from running when nothing depends on it', () => {
  const document = botDocument('a');
  document['custom'].createdAt = new Date();
  assert.equal(define(document).problem, null);
});

test('a bot is enabled unless one of the two places says that it is not', () => {
  const cases: [Record<string, unknown>, boolean][] = [
    [{}, true],
    [{ enabled: true, config: { enabled: false } }, false],
    [{ enabled: false, config: { enabled: true } }, false],
    [{ config: { enabled: 'false' } }, false],
    [{ config: { enabled: '0' } }, false],
    [{ config: { enabled: new Double(0) } }, false],
    [{ config: { enabled: Long.fromNumber(0) } }, false],
    [{ config: { enabled: 'no' } }, true],
    [{ config: { enabled: null } }, true],
    [{ enabled: null, config: { enabled: 1 } }, true],
  ];
  for (const [fields, enabled] of cases) {
    assert.equal(define({ ...botDocument('a'), ...fields }).enabled, enabled, JSON.stringify(fields));
  }
});

test('a broken document that says it is disabled stays disabled', () => {
  const { problem, enabled } = define({ ...botDocument('a', { enabled: false }), custom: 'broken' });
  assert.equal(problem?.code, 'spec-invalid');
  assert.equal(enabled, false);
});

test('an id may stand in _id as a text, and one that cannot name a container is none', () => {
  assert.equal(botIdOf({ _id: 'text' }), 'text');
  assert.equal(botIdOf({ _id: 'text', id: 'own' }), 'own');
  assert.equal(botIdOf({ _id: new ObjectId() }), null);
  for (const id of ['', 5, null, 'a/b', 'x'.repeat(65)]) assert.equal(botIdOf({ _id: new ObjectId(), id }), null);
});

test('a config nested deeper than MongoDB takes is a problem, not an overflow', () => {
  let deep: Record<string, unknown> = {};
  for (let level = 0; level < 150; level += 1) deep = { deep };
  assert.equal(define(botDocument('a', deep)).problem?.code, 'spec-unreadable');
});
