import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BotKind } from '../../../actors/bot-spec.ts';
import { EventRefused } from '../../../src/desired/event-store.ts';
import type { LifecycleChange } from '../../../src/desired/lifecycle-event.ts';
import { botIdIn, parseEvent } from '../../../src/desired/nats/event-payload.ts';

const CUSTOM = {
  config: {
    name: 'price-alerts',
    runtime: 'nodejs20',
    version: '1.1.2',
    type: 'realtime',
    author: 'me',
    description: 'd',
    entrypoints: { bot: 'main.js', query: null },
    schema: { bot: {} },
    readme: 'r',
    metadata: {},
    hasFrontend: true,
  },
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: 'whenever',
  filePath: 'user/price-alerts/1.1.2',
  version: '1.1.2',
};
const STORED = {
  config: {
    name: 'price-alerts',
    runtime: 'nodejs20',
    version: '1.1.2',
    type: 'realtime',
    author: 'me',
    description: 'd',
    entrypoints: { bot: 'main.js', query: '' },
    schema: { bot: {} },
    readme: 'r',
    metadata: {},
  },
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: 'whenever',
  filePath: 'user/price-alerts/1.1.2',
  version: '1.1.2',
};

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const parse = (value: unknown, kind: BotKind = 'realtime', change: LifecycleChange['change'] = 'created') =>
  parseEvent(kind, change, bytes(value));

function refusal(value: unknown, kind: BotKind = 'realtime'): string {
  try {
    parse(value, kind);
  } catch (error) {
    assert.ok(error instanceof EventRefused);
    return error.message;
  }
  assert.fail('it was not refused');
}

function contentOf(event: LifecycleChange) {
  assert.ok(event.change !== 'deleted');
  return event.content;
}

test('a flat message gives the document that the Go runtime stores', () => {
  const event = parse({ id: 'b1', config: { name: 'n', enabled: true }, custom: CUSTOM });
  assert.deepEqual(event, {
    change: 'created',
    botId: 'b1',
    content: { config: { name: 'n', enabled: true }, custom: STORED },
  });
});

test('keys of a message are matched as Go does, those of the config stay as they are', () => {
  const event = parse({ ID: 'b1', CONFIG: { Name: 'n' }, Custom: { FILEPATH: 'x', 'ver\u017Fion': '2' } });
  assert.equal(event.botId, 'b1');
  const { config, custom } = contentOf(event);
  assert.deepEqual(config, { Name: 'n' });
  assert.deepEqual([custom.filePath, custom.version], ['x', '2']);
});

test('what is missing is stored as Go stores nothing', () => {
  const { config, custom } = contentOf(parse({ id: 'b1' }));
  assert.equal(config, null);
  assert.deepEqual(custom, {
    config: {
      name: '',
      description: '',
      version: '',
      author: '',
      type: '',
      entrypoints: null,
      schema: null,
      readme: '',
      metadata: null,
    },
    createdAt: '',
    updatedAt: '',
    filePath: '',
    version: '',
  });
});

test('a wrapped message of a bot is taken, with its times as RFC 3339 without a fraction', () => {
  const custom = { ...CUSTOM, updatedAt: null };
  const event = parse({ type: 'bot.created', entity_id: 'b1', data: { id: 'b1', config: {}, custom }, timestamp: 'x' });
  assert.equal(event.botId, 'b1');
  const stored = contentOf(event).custom;
  assert.deepEqual([stored.createdAt, stored.updatedAt], ['2026-01-02T03:04:05Z', '0001-01-01T00:00:00Z']);
  assert.match(refusal({ data: { id: 'b1', custom: { createdAt: 'whenever' } } }), /createdAt is not a time/);
});

test('whom a refused message is about is known where it names a bot in either form', () => {
  const idIn = (message: unknown) =>
    botIdIn(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)));
  for (const named of [
    { id: 'b1', config: 1 },
    { ID: 'b1' },
    { data: { id: 'b1', custom: 'x' } },
    { id: '', data: { id: 'b1' } },
  ])
    assert.equal(idIn(named), 'b1', JSON.stringify(named));
  for (const nobody of ['no JSON', [], {}, { id: 1 }, { id: 'no/id' }, { data: 'b1' }, { data: { id: ['b1'] } }])
    assert.equal(idIn(nobody), null, JSON.stringify(nobody));
});

test('a message of a schedule is only flat, and its times are RFC 3339', () => {
  const custom = { ...CUSTOM, updatedAt: '2026-01-02T03:04:05.1+02:00' };
  assert.equal(contentOf(parse({ id: 's', custom }, 'scheduled')).custom.updatedAt, '2026-01-02T03:04:05+02:00');
  assert.match(refusal({ id: 's', custom: CUSTOM }, 'scheduled'), /custom\.updatedAt is not a time/);
  assert.match(refusal({ id: 's', custom: { createdAt: '2026-02-30T00:00:00Z' } }, 'scheduled'), /createdAt/);
  assert.match(refusal({ data: { id: 's' } }, 'scheduled'), /no id/);
});

test('messages that are no good are refused without a word of what is in them', () => {
  const secret = 'sk-secret';
  const deep = `${'{"a":'.repeat(150)}1${'}'.repeat(150)}`;
  const bad = [
    `{"id":"b1","config":"${secret}`,
    `"${secret}"`,
    {},
    { id: '' },
    { id: 5 },
    { id: `a/${secret}` },
    { id: 'b1', config: secret },
    { id: 'b1', config: [secret] },
    { id: 'b1', custom: { config: { entrypoints: { bot: 5 } } } },
    { id: 'b1', custom: { config: { name: { secret } } } },
    { id: 'b1', custom: { createdAt: 5 } },
    { id: 'b1', config: JSON.parse(deep) },
    '',
  ];
  for (const message of bad) assert.doesNotMatch(refusal(message), /secret/, JSON.stringify(message));
});

test('of a deletion only the id counts', () => {
  assert.deepEqual(parse({ id: 'b1', config: 'broken' }, 'realtime', 'deleted'), { change: 'deleted', botId: 'b1' });
  assert.throws(() => parse({ config: {} }, 'realtime', 'deleted'), EventRefused);
});
